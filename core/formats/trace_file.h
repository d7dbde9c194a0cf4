#pragma once

#include <span>
#include <string>

#include "core/model/step_record.h"
#include "core/model/trace.h"

namespace headroom::formats {

/// A trace is a safetensors file; docs/trace-format.md says what is in it.
inline constexpr int kTraceVersion = 1;

/// Opens a trace: mapped, and checked for shapes, ids and probabilities outside 0 to 1. Throws model::Error,
/// one sentence with expected and actual values.
model::Trace readTrace(const std::string& path);
/// The same of bytes that somebody else keeps as long as the result lives.
model::Trace readTrace(std::span<const std::byte> bytes);

/// Whether the file says that it is a trace; false for anything else, also for what cannot be read.
bool isTrace(const std::string& path);

/// What a decoder did, to be written as a trace.
struct TraceSource {
  const model::ModelConfig& config;
  const model::Tokenizer* tokenizer = nullptr;
  std::string writer;
  int promptTokens = 1;
  std::span<const model::StepRecord> records;  ///< from position 0 on, with every layer and head captured
};

/// Atomic. Throws model::Error when a row was not captured whole, or the file cannot be written.
void writeTrace(const TraceSource& source, const std::string& path);

}  // namespace headroom::formats
