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

const HeadBoard::Loss* lossIn(const evaluation::AblationSurvey& survey, int layer, int head) {
  const auto found = std::ranges::find_if(
      survey.heads, [&](const HeadBoard::Loss& loss) { return loss.layer == layer && loss.head == head; });
  return found == survey.heads.end() ? nullptr : &*found;
}

}  // namespace

HeadBoard::HeadBoard(SessionHost& session, const TraceStore& store, const Selection& selection,
                     Workspace& workspace, QObject* parent)
    : QObject(parent), m_session(session), m_store(store), m_workspace(workspace) {
  // Queued: the live view asks while it draws a frame.
  connect(
      &selection, &Selection::switchWanted, this,
      [this](const HeadAddress& head, SwitchedHeads heads) {
        if (canChange(head.lane))
          switchHeads(head.lane, headsOf(head, heads, m_store.lane(head.lane).info().config.attention));
      },
      Qt::QueuedConnection);
  connect(
      &selection, &Selection::changeWanted, this,
      [this](const ChangeRequest& request) {
        const auto& [head, heads, change] = request;
        if (canChange(head.lane))
          changeHeads(head.lane, headsOf(head, heads, m_store.lane(head.lane).info().config.attention),
                      change);
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

void HeadBoard::findGroupLoss(std::size_t entry, int layer, int kvHead) {
  m_session.studyLosses(
      {.report = m_entries[entry].report, .known = m_entries[entry].groupLosses, .heads = {{layer, kvHead}}});
}

void HeadBoard::findGroupLosses(std::size_t entry) {
  const Entry& of = m_entries[entry];
  LossStudy study{.report = of.report, .known = of.groupLosses, .heads = {}};
  for (int layer = 0; layer < of.report.config.layerCount; ++layer) {
    for (int kvHead = 0; kvHead < of.report.config.attention.kvHeadCount; ++kvHead)
      study.heads.push_back({layer, kvHead});
  }
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

const model::HeadChange* HeadBoard::changeOf(std::size_t entry, const model::HeadPlace& head) const {
  const std::optional<int> lane = laneOf(entry);
  return lane ? m_store.lane(*lane).info().changeOf(head) : nullptr;
}

bool HeadBoard::canChange(int lane) const {
  // Lanes may have changed since it was asked for.
  return lane >= 0 && lane < m_store.laneCount() && !m_store.lane(lane).info().card.isTrace;
}

void HeadBoard::switchHeads(int lane, const std::vector<model::HeadPlace>& heads) {
  if (canChange(lane))
    m_workspace.chooseOptions({withHeadsSwitched(m_store.lane(lane).info().request, heads)});
}

void HeadBoard::changeHeads(int lane, const std::vector<model::HeadPlace>& heads,
                            const std::optional<model::HeadChange>& change) {
  if (canChange(lane))
    m_workspace.chooseOptions({withHeadsChanged(m_store.lane(lane).info().request, heads, change)});
}

const HeadBoard::Loss* HeadBoard::lossOf(std::size_t entry, const model::HeadPlace& head) const {
  return lossIn(m_entries[entry].losses, head.layer, head.queryHead);
}

const HeadBoard::Loss* HeadBoard::groupLossOf(std::size_t entry, int layer, int kvHead) const {
  return lossIn(m_entries[entry].groupLosses, layer, kvHead);
}

evaluation::SeenChange HeadBoard::seenEffects(std::size_t entry, const Loss& loss) const {
  const Entry& of = m_entries[entry];
  const auto& noise = of.losses.effectNoise ? of.losses.effectNoise : of.groupLosses.effectNoise;
  return noise && loss.effects ? evaluation::seenAbove(*noise, *loss.effects) : evaluation::SeenChange{};
}

std::optional<double> HeadBoard::baselineOf(std::size_t entry) const {
  const Entry& of = m_entries[entry];
  const std::vector<float>& nats = of.losses.baseline.empty() ? of.groupLosses.baseline : of.losses.baseline;
  if (nats.empty()) return std::nullopt;
  return std::accumulate(nats.begin(), nats.end(), 0.0) / static_cast<double>(nats.size());
}

std::string HeadBoard::csv() const {
  std::string lines = fmt::format(
      "lane,{},loss_change,loss_standard_error,loss_within_rounding,kl_divergence,top1_changed,rank_change,"
      "text,text_tokens,"
      "loss_with_all_heads\n",
      analysis::headCsvTitles());
  for (std::size_t entry = 0; entry < m_entries.size(); ++entry) {
    const HeadReport& report = m_entries[entry].report;
    for (const analysis::HeadSurvey::Head& head : report.survey.heads) {
      lines += fmt::format("{},{},", model::csvCell(report.title), analysis::headCsvLine(head));
      if (const Loss* loss = lossOf(entry, {head.layer, head.queryHead})) {
        const auto cell = [](const std::optional<double>& seen) {
          return seen ? fmt::format("{}", *seen) : std::string();
        };
        const auto [divergence, topChanges, rankChange] = seenEffects(entry, *loss);
        lines += fmt::format("{},{},{},{},{},{}", loss->withinNoise ? 0.0 : loss->change, loss->standardError,
                             loss->withinNoise, cell(divergence), cell(topChanges), cell(rankChange));
      } else {
        lines += ",,,,,";
      }
      const std::optional<double> baseline = baselineOf(entry);
      lines +=
          fmt::format(",{},{},{}\n", model::csvCell(report.textName.empty() ? "decoded" : report.textName),
                      report.tokens.size(), baseline ? fmt::format("{}", *baseline) : "");
    }
  }
  return lines;
}

void HeadBoard::takeReport(const HeadReport& report) {
  if (std::exchange(m_isNewStudy, false)) m_before = std::exchange(m_entries, {});
  m_entries.push_back({.report = report});
  // Of the same text losses are what they were.
  for (const Entry& old : m_before) {
    if (!isOf(old.report.lane, report.lane) || old.report.tokens != report.tokens) continue;
    m_entries.back().losses = old.losses;
    m_entries.back().groupLosses = old.groupLosses;
  }
  dropClosed();
  emit changed();
}

void HeadBoard::takeLosses(const LossReport& report) {
  for (Entry& entry : m_entries) {
    const bool isOfText = report.losses.baseline.size() + 1 == entry.report.tokens.size();
    if (!isOf(entry.report.lane, report.lane) || !isOfText) continue;
    (report.losses.unit == evaluation::AblationUnit::KvHead ? entry.groupLosses : entry.losses) =
        report.losses;
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
