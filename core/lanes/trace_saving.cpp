#include "core/lanes/trace_saving.h"

#include <fmt/format.h>

#include "core/formats/files/output_target.h"
#include "core/formats/trace/trace_writer.h"
#include "core/model/decoder.h"
#include "core/model/error.h"

namespace headroom::lanes {

formats::AttentionSelection traceSelection(const model::ModelConfig& config, const model::RecordedPart& part,
                                           model::Storage storage) {
  return {.layers = part.layers,
          .queryHeads = model::Capture::everything().wantedHeads(config.attention.queryHeadCount),
          .firstRow = part.firstRow,
          .endRow = part.firstRow + part.rowCount,
          .storage = storage};
}

model::RecordedPart wholeRows(const DecodedLane& lane) {
  model::RecordedPart longest;
  model::RecordedPart current;
  for (int position = 0; position < std::ssize(lane.tokens); ++position) {
    const model::AttentionRows& rows = lane.rowsAt(position);
    const int row = position - rows.firstPosition;
    const bool isWhole = rows.pooling == 1 && !rows.layers.empty() && !rows.values.empty() && row >= 0 &&
                         row < rows.rowCount && rows.queryHeadCount() == lane.config.attention.queryHeadCount;
    if (!isWhole) {
      current = {};
      continue;
    }
    if (current.rowCount == 0 || current.layers != rows.layers)
      current = {.layers = rows.layers, .firstRow = position, .rowCount = 0};
    ++current.rowCount;
    if (current.rowCount > longest.rowCount) longest = current;
  }
  return longest;
}

std::uint64_t traceBytes(const DecodedLane& lane, const model::RecordedPart& part) {
  return traceSelection(lane.config, part).mapBytes(static_cast<int>(lane.tokens.size()));
}

bool isLargeFile(std::uint64_t bytes) {
  return formats::isLargeFile(bytes);
}

void saveTrace(const DecodedLane& lane, const model::RecordedPart& part, const std::string& path) {
  if (part.rowCount == 0)
    throw model::Error(fmt::format("Cannot write {}: no row of attention is held", path));
  const auto count = static_cast<int>(lane.tokens.size());
  const formats::OutputTarget target = formats::outputTarget(path);
  formats::AttentionSelection selection = traceSelection(lane.config, part);
  formats::requireRoom(target, selection.mapBytes(count), selection.spoolBytes(count));
  formats::AttentionSpool spool(std::move(selection), target);
  for (int position = part.firstRow; position < part.firstRow + part.rowCount; ++position)
    spool.append(lane.rowsAt(position), position, 1);
  formats::writeTrace({.config = lane.config,
                       .pieceOf = lane.pieceOf,
                       .writer = lane.writer,
                       .promptTokens = lane.promptTokens,
                       .tokens = lane.tokens,
                       .attention = spool},
                      path);
}

}  // namespace headroom::lanes
