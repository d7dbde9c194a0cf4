#include "app/session/trace_export.h"

#include "core/lanes/trace_saving.h"
#include "core/model/error.h"
#include "core/model/quantity.h"
#include "core/text/phrases.h"

namespace headroom::session {

namespace {
lanes::DecodedLane decodedLane(const LaneTrace& lane) {
  const LaneInfo& info = lane.info();
  lanes::DecodedLane decoded{.config = info.config,
                             .pieceOf = {},
                             .writer = model::nameWith("headroom on " + info.deviceName, info.changes),
                             .promptTokens = std::max(1, lane.promptLength()),
                             .tokens = lane.tokens(),
                             .rowsAt = [&lane](int position) -> const model::AttentionRows& {
                               return lane.stepAt(position).attention;
                             }};
  if (!info.pieces.empty()) decoded.pieceOf = [&lane](int token) { return std::string(lane.bytes(token)); };
  return decoded;
}
}  // namespace

TraceToSave traceToSave(const LaneTrace& lane) {
  const lanes::DecodedLane decoded = decodedLane(lane);
  const std::uint64_t bytes = lanes::traceBytes(decoded, lanes::wholeRows(decoded));
  return {bytes, lanes::isLargeFile(bytes)};
}

using model::SentenceId;

Message saveLaneTrace(const LaneTrace& lane, const std::string& path) {
  const std::string& title = lane.info().title;
  const lanes::DecodedLane decoded = decodedLane(lane);
  const model::RecordedPart part = lanes::wholeRows(decoded);
  if (part.rowCount == 0) {
    return {Severity::Note, text::inWords<SentenceId::TraceNotWhole>(title, model::groupDigits(kWholeRows))};
  }
  try {
    lanes::saveTrace(decoded, part, path);
  } catch (const std::exception&) {
    return {Severity::Problem, model::sentenceOf(std::current_exception())};
  }
  const std::string tokens = model::groupDigits(lane.length());
  if (part.rowCount == lane.length())
    return {Severity::Passing, text::inWords<SentenceId::TraceSaved>(title, path, tokens)};
  return {Severity::Note,
          text::inWords<SentenceId::TraceSavedInPart>(title, path, tokens, model::groupDigits(part.firstRow),
                                                      model::groupDigits(part.firstRow + part.rowCount - 1),
                                                      model::groupDigits(kWholeRows))};
}

}  // namespace headroom::session
