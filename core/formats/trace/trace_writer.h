#pragma once

#include <functional>
#include <span>
#include <string>

#include "core/formats/trace/attention_spool.h"
#include "core/model/config.h"

namespace headroom::formats {

/// What a decoder did, to be written as a trace.
struct TraceSource {
  const model::ModelConfig& config;
  std::function<std::string(int)> pieceOf;  ///< bytes of a token; empty where nobody knows
  std::string writer;
  int promptTokens = 1;
  std::span<const int> tokens;
  const AttentionSpool& attention;  ///< of every query head
};

/// Atomic, or as a stream. Throws model::Error when no row was recorded or the file cannot be written.
void writeTrace(const TraceSource& source, const std::string& path);

}  // namespace headroom::formats
