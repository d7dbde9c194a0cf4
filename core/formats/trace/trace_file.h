#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/model/trace.h"

namespace headroom::formats {

/// A trace is a safetensors file; docs/trace-format.md says what is in it.
inline constexpr std::string_view kTraceFormat = "headroom-trace";
inline constexpr int kTraceVersion = 1;

/// Opens a trace: mapped, and checked for shapes, ids, probabilities outside 0 to 1, rows that do not sum to
/// 1 and rows that look ahead. Throws model::Error, one sentence with expected and actual values.
model::Trace readTrace(const std::string& path);
/// The same of bytes that somebody else keeps as long as the result lives.
model::Trace readTrace(std::span<const std::byte> bytes);

/// Whether the file says that it is a trace; false for anything else, also for what cannot be read.
bool isTrace(const std::string& path);

}  // namespace headroom::formats
