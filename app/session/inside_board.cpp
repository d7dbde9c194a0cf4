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
    emit changed();
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

std::optional<int> InsideBoard::laneOf(const ReadText& text) const {
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    const LaneRequest& request = m_store.lane(lane).info().request;
    if (request.colorIndex == text.lane.colorIndex && request.source == text.lane.source) return lane;
  }
  return std::nullopt;
}

bool InsideBoard::isCurrent(const ReadText& text) const {
  const std::optional<int> lane = laneOf(text);
  if (!lane) return false;
  const LaneTrace& trace = m_store.lane(*lane);
  if (trace.info().request.options.changes != text.lane.options.changes) return false;
  const std::span<const int> tokens = trace.tokens();
  const std::size_t read = static_cast<std::size_t>(text.position) + 1;
  return tokens.size() >= read &&
         std::equal(text.tokens.begin(), text.tokens.begin() + text.position + 1, tokens.begin());
}

std::string InsideBoard::labelOf(const ReadText& text, int token) const {
  const std::optional<int> lane = laneOf(text);
  return lane && token >= 0 ? tokenLabel(m_store.lane(*lane).text(token)) : std::string();
}

std::string InsideBoard::lensCsv() const {
  std::string lines =
      "lane,position,token,token_text,layer,next_token,next_text,next_rank,next_probability,rank,"
      "likely_token,likely_text,probability,entropy\n";
  if (!m_lens) return lines;
  const LensReport& report = *m_lens;
  const auto named = [&](int token) {
    return token < 0 ? std::string(",")
                     : fmt::format("{},{}", token, model::csvCell(labelOf(report.text, token)));
  };
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

void InsideBoard::take(const InsideReport& report) {
  if (const auto* lens = std::get_if<LensReport>(&report)) m_lens = *lens;
  dropClosed();
  emit changed();
}

void InsideBoard::dropClosed() {
  if (m_lens && !laneOf(m_lens->text)) m_lens.reset();
}

}  // namespace headroom::session
