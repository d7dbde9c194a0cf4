#include "app/session/trace_export.h"

#include <fmt/format.h>

#include "core/lanes/trace_saving.h"
#include "core/model/error.h"
#include "core/model/quantity.h"

namespace headroom::session {

namespace {
lanes::DecodedLane decodedLane(const LaneTrace& lane) {
  const LaneInfo& info = lane.info();
  lanes::DecodedLane decoded{.config = info.config,
                             .pieceOf = {},
                             .writer = "headroom on " + info.deviceName,
                             .promptTokens = std::max(1, lane.promptLength()),
                             .tokens = lane.tokens(),
                             .rowsAt = [&lane](int position) -> const model::AttentionRows& {
                               return lane.stepAt(position).attention;
                             }};
  if (!info.pieces.empty())
    decoded.pieceOf = [&info](int token) { return info.pieces[static_cast<std::size_t>(token)]; };
  return decoded;
}
}  // namespace

TraceToSave traceToSave(const LaneTrace& lane) {
  const lanes::DecodedLane decoded = decodedLane(lane);
  const std::uint64_t bytes = lanes::traceBytes(decoded, lanes::wholeRows(decoded));
  return {bytes, lanes::isLargeFile(bytes)};
}

Message saveLaneTrace(const LaneTrace& lane, const std::string& path) {
  const std::string& title = lane.info().title;
  const lanes::DecodedLane decoded = decodedLane(lane);
  const model::RecordedPart part = lanes::wholeRows(decoded);
  if (part.rowCount == 0) {
    return {Severity::Note,
            fmt::format("{} has no row of attention that is held whole, so there is no trace to save: rows "
                        "beyond {} positions are kept pooled, and old ones go when memory is short.",
                        title, model::groupDigits(kWholeRows))};
  }
  try {
    lanes::saveTrace(decoded, part, path);
  } catch (const model::Error& error) {
    return {Severity::Problem, error.what()};
  }
  const std::string saved = fmt::format("The trace of {} is saved as {}: {} tokens", title, path,
                                        model::groupDigits(lane.length()));
  if (part.rowCount == lane.length()) return {Severity::Passing, saved + " with their attention."};
  return {
      Severity::Note,
      fmt::format("{}, attention of positions {} to {} only: rows beyond {} positions are kept pooled, and "
                  "old ones go when memory is short.",
                  saved, model::groupDigits(part.firstRow),
                  model::groupDigits(part.firstRow + part.rowCount - 1), model::groupDigits(kWholeRows))};
}

}  // namespace headroom::session
