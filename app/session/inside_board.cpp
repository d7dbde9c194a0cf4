#include "app/session/inside_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/session/display_text.h"
#include "app/session/selection.h"
#include "core/model/csv.h"

namespace headroom::session {

InsideBoard::InsideBoard(SessionHost& session, const TraceStore& store, const Selection& selection,
                         QObject* parent)
    : QObject(parent), m_session(session), m_store(store), m_selection(selection) {
  connect(&session, &SessionHost::insideStudied, this, &InsideBoard::take);
  connect(&session, &SessionHost::stateChanged, this, [this](const SessionState& state) {
    if (std::exchange(m_studying, state.studying) != state.studying) emit studyingChanged();
  });
  connect(&store, &TraceStore::lanesChanged, this, [this] {
    dropClosed();
    emit lanesChanged();
  });
}

bool InsideBoard::canAsk(int lane) const {
  if (m_studying.underWay || lane < 0 || lane >= m_store.laneCount()) return false;
  return m_store.lane(lane).length() > 0 && !m_store.lane(lane).info().card.isTrace;
}

ReadText InsideBoard::textOf(int lane) const {
  const LaneTrace& trace = m_store.lane(lane);
  ReadText text{.lane = trace.info().request,
                .tokens = {trace.tokens().begin(), trace.tokens().end()},
                .fed = trace.length(),
                .position = m_selection.positionIn(m_store, lane)};
  const std::span<const int> choices = trace.choices();
  if (std::ssize(choices) > text.fed && choices.back() >= 0) text.tokens.push_back(choices.back());
  return text;
}

void InsideBoard::readLens(int lane) {
  if (canAsk(lane)) m_session.studyInside(LensStudy{textOf(lane)});
}

std::optional<int> InsideBoard::laneOf(const LaneRequest& wanted) const {
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    const LaneRequest& request = m_store.lane(lane).info().request;
    if (request.colorIndex == wanted.colorIndex && request.source == wanted.source) return lane;
  }
  return std::nullopt;
}

bool InsideBoard::isCurrent(const ReadText& text) const {
  const std::optional<int> lane = laneOf(text.lane);
  if (!lane) return false;
  const LaneTrace& trace = m_store.lane(*lane);
  if (trace.info().request.options.changes != text.lane.options.changes) return false;
  const std::span<const int> tokens = trace.tokens();
  const std::size_t read = static_cast<std::size_t>(text.position) + 1;
  return tokens.size() >= read &&
         std::equal(text.tokens.begin(), text.tokens.begin() + text.position + 1, tokens.begin());
}

std::string InsideBoard::labelOf(const LaneRequest& wanted, int token) const {
  const std::optional<int> lane = laneOf(wanted);
  return lane && token >= 0 ? tokenLabel(m_store.lane(*lane).text(token)) : std::string();
}

std::vector<model::Candidate> InsideBoard::candidates(int lane) const {
  if (lane < 0 || lane >= m_store.laneCount() || m_store.lane(lane).length() == 0) return {};
  const LaneTrace& trace = m_store.lane(lane);
  const int position = m_selection.positionIn(m_store, lane);
  const model::StepRecord& step = trace.stepAt(position);
  // Of a block only what follows its last token is known.
  const bool isLast = step.position + static_cast<int>(step.tokens.size()) == position + 1;
  return isLast ? step.candidates : std::vector<model::Candidate>{};
}

void InsideBoard::attribute(int lane, std::optional<int> other, const std::string& typed) {
  if (!canAsk(lane)) return;
  AttributionStudy study{.text = textOf(lane), .other = other, .otherText = typed};
  const bool cameNext = study.text.position + 1 < study.text.fed;
  if (cameNext) study.token = study.text.nextOf(study.text.position);
  m_session.studyInside(study);
}

std::string InsideBoard::csvCellsOf(const LaneRequest& lane, int token) const {
  return token < 0 ? "," : fmt::format("{},{}", token, model::csvCell(labelOf(lane, token)));
}

std::string InsideBoard::lensCsv() const {
  std::string lines =
      "lane,position,token,token_text,layer,next_token,next_text,next_rank,next_probability,rank,"
      "likely_token,likely_text,probability,entropy\n";
  if (!m_lens) return lines;
  const LensReport& report = *m_lens;
  const auto named = [&](int token) { return csvCellsOf(report.text.lane, token); };
  for (int layer = 0; layer <= report.layerCount; ++layer) {
    for (int at = report.first; at <= report.text.position; ++at) {
      const LensCell& cell = report.at(layer, at);
      const int next = report.text.nextOf(at);
      const std::string nextNumbers =
          next < 0 ? "," : fmt::format("{},{}", cell.nextRank, cell.nextProbability);
      for (std::size_t rank = 0; rank < cell.top.size(); ++rank) {
        lines += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", model::csvCell(report.title), at,
                             named(report.text.tokens[static_cast<std::size_t>(at)]), layer, named(next),
                             nextNumbers, rank + 1, named(cell.top[rank].token), cell.top[rank].probability,
                             cell.entropy);
      }
    }
  }
  return lines;
}

std::string InsideBoard::attributionCsv() const {
  std::string lines =
      "lane,position,token,token_text,less_token,less_text,part,layer,head,kv_head,contribution,logit\n";
  if (!m_attribution) return lines;
  const AttributionReport& report = *m_attribution;
  const auto cell = [](int index) { return index < 0 ? std::string() : std::to_string(index); };
  for (const AddedPart& part : report.parts) {
    // As headroom-cli lens --attribute --csv calls them.
    static constexpr const char* kNames[] = {"embedding", "head", "attention_bias", "mlp", "output_bias"};
    lines += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", model::csvCell(report.title),
                         report.text.position, csvCellsOf(report.text.lane, report.token),
                         csvCellsOf(report.text.lane, report.other.value_or(-1)),
                         kNames[static_cast<std::size_t>(part.kind)], cell(part.layer), cell(part.queryHead),
                         cell(part.kvHead), part.contribution, report.total);
  }
  return lines;
}

std::string InsideBoard::patchesCsv() const {
  std::string lines =
      "lane,copied,layer,head,kv_head,position,clean_token,clean_text,corrupt_token,corrupt_text,effect,"
      "clean_difference,corrupt_difference\n";
  if (!m_patches) return lines;
  const PatchReport& report = *m_patches;
  for (int row = 0; row < report.rows(); ++row) {
    for (int column = 0; column < report.survey.columns; ++column) {
      const std::optional<double> effect = report.effectAt(row, column);
      if (!effect) continue;
      const auto at = static_cast<std::size_t>(column);
      const std::string place =
          report.place == PatchPlace::Heads
              ? fmt::format("heads,{},{},{},,,,,", row, column, report.attention.kvHeadOf(column))
              : fmt::format("residual,{},,,{},{},{}", row, column,
                            csvCellsOf(report.lane, report.question.clean[at]),
                            csvCellsOf(report.lane, report.question.corrupt[at]));
      lines += fmt::format("{},{},{},{},{}\n", model::csvCell(report.title), place, *effect,
                           report.survey.cleanDifference, report.survey.corruptDifference);
    }
  }
  return lines;
}

void InsideBoard::take(const InsideReport& report) {
  if (const auto* lens = std::get_if<LensReport>(&report)) m_lens = *lens;
  if (const auto* attribution = std::get_if<AttributionReport>(&report)) m_attribution = *attribution;
  if (const auto* patches = std::get_if<PatchReport>(&report)) m_patches = *patches;
  dropClosed();
  if (std::holds_alternative<LensReport>(report)) emit lensRead();
  if (std::holds_alternative<AttributionReport>(report)) emit attributionFound();
  if (std::holds_alternative<PatchReport>(report)) emit patchesFound();
}

void InsideBoard::dropClosed() {
  if (m_lens && !laneOf(m_lens->text.lane)) m_lens.reset();
  if (m_attribution && !laneOf(m_attribution->text.lane)) m_attribution.reset();
  if (m_patches && !laneOf(m_patches->lane)) m_patches.reset();
}

}  // namespace headroom::session
