#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "core/model/step_record.h"
#include "core/model/tensor.h"
#include "core/model/trace.h"

namespace headroom::formats {
struct AttentionSelection;
}

namespace headroom::lanes {

/// How a trace stores attention where nobody asks for something else.
inline constexpr model::Storage kTraceStorage = model::Storage::F16;

/// The rows that a trace of that part keeps: those of every query head.
formats::AttentionSelection traceSelection(const model::ModelConfig& config, const model::RecordedPart& part,
                                           model::Storage storage = kTraceStorage);

/// What is known of a lane that has decoded.
struct DecodedLane {
  const model::ModelConfig& config;
  std::function<std::string(int)> pieceOf;  ///< bytes of a token; empty where nobody knows
  std::string writer;                       ///< who recorded it, for people
  int promptTokens = 1;                     ///< of the tokens
  std::span<const int> tokens;              ///< that were fed
  /// The captured rows in which a position lies, 0 <= position < tokens.size(); they may be pooled or empty.
  std::function<const model::AttentionRows&(int position)> rowsAt;
};

/// The longest part of the text whose attention is held whole: rows of the same layers, of every query head,
/// not pooled. Without rows when there is none.
model::RecordedPart wholeRows(const DecodedLane& lane);

/// Bytes of the attention maps of a trace of that part.
std::uint64_t traceBytes(const DecodedLane& lane, const model::RecordedPart& part);
/// Whether a file of so many bytes is written only when somebody says so once more.
bool isLargeFile(std::uint64_t bytes);

/// Writes the lane's text and that part of its attention as a trace. Atomic. Throws model::Error when there
/// are no rows, or the file cannot be written.
void saveTrace(const DecodedLane& lane, const model::RecordedPart& part, const std::string& path);

}  // namespace headroom::lanes
