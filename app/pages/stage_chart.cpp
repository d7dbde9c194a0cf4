#include "app/pages/stage_chart.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "app/pages/colors.h"
#include "core/analysis/quantity.h"
#include "core/analysis/traffic_summary.h"

namespace headroom::pages {

namespace {

constexpr int kRecentSteps = 32;
constexpr std::array<const char*, model::kStageCount> kNames{"embed",  "QKV",      "attention", "attn. out",
                                                             "FFN up", "FFN down", "logits"};
// For large type; the tool tip has the full names.
constexpr std::array<const char*, model::kStageCount> kShortNames{"emb.", "QKV",  "attn.", "out",
                                                                  "up",   "down", "logits"};

std::array<double, model::kStageCount> recentStages(const session::LaneTrace& lane, int position) {
  std::array<double, model::kStageCount> mean{};
  int count = 0;
  for (int at = position; at >= lane.promptLength() && at > position - kRecentSteps; --at, ++count) {
    const auto times = analysis::stageMilliseconds(lane.stepAt(at));
    for (std::size_t stage = 0; stage < times.size(); ++stage) mean[stage] += times[stage];
  }
  for (double& time : mean) time /= std::max(count, 1);
  return mean;
}

}  // namespace

StageChart::StageChart(QWidget* parent)
    : Chart("Time per stage, ms per token",
            "Measured by the device's time stamps; layers added up, mean of the last 32 decode steps.",
            parent),
      m_group(new QCPBarsGroup(this)) {
  xAxis->setRange(-0.55, model::kStageCount - 0.45);
  xAxis->grid()->setVisible(false);
  m_group->setSpacingType(QCPBarsGroup::stAbsolute);
  m_group->setSpacing(1);
}

void StageChart::setAppearance(const session::Appearance& appearance) {
  Chart::setAppearance(appearance);
  xAxis->setTickPen(Qt::NoPen);
  QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
  for (int stage = 0; stage < model::kStageCount; ++stage) {
    const auto& names = appearance.presentation() ? kShortNames : kNames;
    ticker->addTick(stage, names[static_cast<std::size_t>(stage)]);
  }
  xAxis->setTicker(ticker);
}

void StageChart::refresh(const session::TraceStore& store, const session::Selection& selection) {
  while (static_cast<int>(m_bars.size()) > store.laneCount()) {
    removePlottable(m_bars.back());
    m_bars.pop_back();
  }
  while (static_cast<int>(m_bars.size()) < store.laneCount()) {
    m_bars.push_back(new QCPBars(xAxis, yAxis));
    m_bars.back()->setBarsGroup(m_group);
  }
  m_titles.clear();
  double largest = 0.0;
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    m_titles.push_back(laneTitle(store, lane));
    const auto times = recentStages(store.lane(lane), selection.positionIn(store, lane));
    QVector<double> keys;
    QVector<double> values;
    for (std::size_t stage = 0; stage < times.size(); ++stage) {
      keys.append(static_cast<double>(stage));
      values.append(times[stage]);
      largest = std::max(largest, times[stage]);
    }
    QCPBars* bars = m_bars[static_cast<std::size_t>(lane)];
    bars->setWidth(0.72 / std::max(store.laneCount(), 1));
    bars->setData(keys, values, true);
    bars->setPen(Qt::NoPen);
    bars->setBrush(laneColor(store, lane));
  }
  // The axis grows at once and shrinks only when it is far too long, so that bars do not dance.
  const double wanted = roundUp(largest);
  if (wanted > yAxis->range().upper || largest < 0.4 * yAxis->range().upper) yAxis->setRange(0.0, wanted);
  replot(QCustomPlot::rpQueuedReplot);
}

QString StageChart::valuesAt(double x) const {
  const int stage = static_cast<int>(std::lround(x));
  if (stage < 0 || stage >= model::kStageCount) return {};
  QString text = QString::fromUtf8(model::stageName(static_cast<model::Stage>(stage)).data());
  for (std::size_t lane = 0; lane < m_bars.size(); ++lane) {
    const auto found = m_bars[lane]->data()->findBegin(stage, false);
    if (found == m_bars[lane]->data()->constEnd()) continue;
    text += QString("\n%1: %2")
                .arg(m_titles[lane], QString::fromStdString(analysis::millisecondsText(found->value)));
  }
  return text;
}

}  // namespace headroom::pages
