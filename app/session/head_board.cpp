#include "app/session/head_board.h"

#include <fmt/format.h>

#include <QFile>
#include <QFileInfo>
#include <algorithm>
#include <numeric>
#include <utility>

#include "app/session/lane_change.h"
#include "core/model/csv.h"
#include "core/model/error.h"
#include "core/model/quantity.h"
#include "core/text/phrases.h"

namespace headroom::session {

namespace {
/// Of one lane and model, whatever its options.
bool isOf(const LaneRequest& lane, const LaneRequest& other) {
  return lane.colorIndex == other.colorIndex && lane.source == other.source;
}
}  // namespace

HeadBoard::HeadBoard(SessionHost& session, const TraceStore& store, const Selection& selection,
                     Workspace& workspace, QObject* parent)
    : QObject(parent), m_session(session), m_store(store), m_workspace(workspace) {
  // Queued: the live view asks while it draws a frame.
  connect(
      &selection, &Selection::switchWanted, this,
      [this](const HeadAddress& head, SwitchedHeads heads) {
        if (head.lane < m_store.laneCount())
          switchHeads(head.lane, headsOf(head, heads, m_store.lane(head.lane).info().config.attention));
      },
      Qt::QueuedConnection);
  connect(&session, &SessionHost::headsStudied, this, &HeadBoard::takeReport);
  connect(&session, &SessionHost::lossesStudied, this, &HeadBoard::takeLosses);
  connect(&session, &SessionHost::stateChanged, this, [this](const SessionState& state) {
    if (std::exchange(m_studying, state.studying) != state.studying) emit studyingChanged();
  });
  connect(&store, &TraceStore::lanesChanged, this, [this] {
    dropClosed();
    emit changed();
  });
}

void HeadBoard::study(StudyText text, const evaluation::RepeatedTokens& repeated) {
  m_isNewStudy = true;
  m_session.studyHeads({std::move(text), repeated});
}

void HeadBoard::findLosses(std::size_t entry, const std::vector<model::HeadPlace>& heads) {
  LossStudy study{.report = m_entries[entry].report, .known = m_entries[entry].losses, .heads = {}};
  for (const model::HeadPlace& head : heads) study.heads.push_back({head.layer, head.queryHead});
  m_session.studyLosses(study);
}

std::optional<int> HeadBoard::laneOf(std::size_t entry) const {
  return laneOf(m_entries[entry].report.lane);
}

std::optional<int> HeadBoard::laneOf(const LaneRequest& request) const {
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    if (isOf(request, m_store.lane(lane).info().request)) return lane;
  }
  return std::nullopt;
}

bool HeadBoard::isAblated(std::size_t entry, const model::HeadPlace& head) const {
  const std::optional<int> lane = laneOf(entry);
  return lane && m_store.lane(*lane).info().isWithout(head);
}

void HeadBoard::switchHeads(int lane, const std::vector<model::HeadPlace>& heads) {
  // Lanes may have changed since it was asked for.
  if (lane < 0 || lane >= m_store.laneCount() || m_store.lane(lane).info().card.isTrace) return;
  m_workspace.chooseOptions({withHeadsSwitched(m_store.lane(lane).info().request, heads)});
}

const HeadBoard::Loss* HeadBoard::lossOf(std::size_t entry, const model::HeadPlace& head) const {
  const auto& losses = m_entries[entry].losses.heads;
  const auto found = std::ranges::find_if(
      losses, [&](const Loss& loss) { return loss.layer == head.layer && loss.head == head.queryHead; });
  return found == losses.end() ? nullptr : &*found;
}

std::optional<double> HeadBoard::baselineOf(std::size_t entry) const {
  const std::vector<float>& nats = m_entries[entry].losses.baseline;
  if (nats.empty()) return std::nullopt;
  return std::accumulate(nats.begin(), nats.end(), 0.0) / static_cast<double>(nats.size());
}

std::string HeadBoard::csv() const {
  std::string lines =
      fmt::format("lane,{},loss_change,loss_standard_error,loss_within_noise\n", analysis::headCsvTitles());
  for (std::size_t entry = 0; entry < m_entries.size(); ++entry) {
    const HeadReport& report = m_entries[entry].report;
    for (const analysis::HeadSurvey::Head& head : report.survey.heads) {
      lines += fmt::format("{},{},", model::csvCell(report.title), analysis::headCsvLine(head));
      if (const Loss* loss = lossOf(entry, {head.layer, head.queryHead})) {
        lines += fmt::format("{},{},{}\n", loss->withinNoise ? 0.0 : loss->change, loss->standardError,
                             loss->withinNoise);
      } else {
        lines += ",,\n";
      }
    }
  }
  return lines;
}

void HeadBoard::takeReport(const HeadReport& report) {
  if (std::exchange(m_isNewStudy, false)) m_entries.clear();
  m_entries.push_back({report, {}});
  dropClosed();
  emit changed();
}

void HeadBoard::takeLosses(const LossReport& report) {
  for (Entry& entry : m_entries) {
    if (isOf(entry.report.lane, report.lane) &&
        report.losses.baseline.size() + 1 == entry.report.tokens.size())
      entry.losses = report.losses;
  }
  emit changed();
}

void HeadBoard::dropClosed() {
  std::erase_if(m_entries, [this](const Entry& entry) { return !laneOf(entry.report.lane); });
}

StudyText readStudyText(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly)) {
    throw model::Error(
        text::inWords<model::SentenceId::TextNotRead>(path.toStdString(), file.errorString().toStdString()));
  }
  if (file.size() > static_cast<qint64>(kMostPromptBytes)) {
    throw model::Error(text::inWords<model::SentenceId::TextTooLong>(
        path.toStdString(), model::groupDigits(static_cast<std::int64_t>(file.size())),
        model::groupDigits(kMostPromptBytes)));
  }
  return {QFileInfo(path).fileName().toStdString(), file.readAll().toStdString()};
}

}  // namespace headroom::session
