#include "app/pages/charts/stage_chart.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "app/pages/colors.h"
#include "app/pages/texts.h"
#include "core/analysis/lane_measurement.h"
#include "core/analysis/step_parts.h"
#include "core/model/quantity.h"

namespace headroom::pages {

namespace {

constexpr int kBarCount = analysis::kStepPartCount;
// Where the full names do not fit; the tool tip has them.
constexpr std::array<const char*, kBarCount> kShortNames{"emb.", "QKV",  "attn.",  "out",
                                                         "up",   "down", "logits", "outs."};

const char* nameOf(int bar) {
  return analysis::kStepPartNames[static_cast<std::size_t>(bar)];
}

/// Pixels between two names at least.
constexpr int kLabelGap = 6;

QString milliseconds(double time) {
  return toQt(model::millisecondsText(time));
}

}  // namespace

StageChart::StageChart(QWidget* parent)
    : Chart("Time per stage, ms per step", toQt(meaningOf(figures::LaneChart::Stages)), parent),
      m_group(new QCPBarsGroup(this)) {
  xAxis->setRange(-0.55, kBarCount - 0.45);
  xAxis->grid()->setVisible(false);
  m_group->setSpacingType(QCPBarsGroup::stAbsolute);
  m_group->setSpacing(1);
}

void StageChart::setAppearance(const session::Appearance& appearance) {
  Chart::setAppearance(appearance);
  xAxis->setTickPen(Qt::NoPen);
  nameStages();
}

void StageChart::nameStages() {
  const QFontMetrics metrics(xAxis->tickLabelFont());
  const int pitch = axisRect()->width() / kBarCount;
  const auto fits = [&](int stage) {
    const auto width = [&](int index) { return metrics.horizontalAdvance(nameOf(index)); };
    return stage + 1 == kBarCount || (width(stage) + width(stage + 1)) / 2 + kLabelGap <= pitch;
  };
  bool allFit = true;
  for (int stage = 0; stage < kBarCount; ++stage) allFit = allFit && fits(stage);
  QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
  for (int stage = 0; stage < kBarCount; ++stage) {
    ticker->addTick(stage, allFit ? nameOf(stage) : kShortNames[static_cast<std::size_t>(stage)]);
  }
  xAxis->setTicker(ticker);
}

void StageChart::resizeEvent(QResizeEvent* event) {
  Chart::resizeEvent(event);
  nameStages();
  replot(QCustomPlot::rpQueuedReplot);
}

void StageChart::refresh(const ChartSource& source) {
  const auto& [store, selection, board] = source;
  const int laneCount = std::min(store.laneCount(), board.laneCount());
  while (static_cast<int>(m_bars.size()) > laneCount) {
    removePlottable(m_bars.back());
    m_bars.pop_back();
  }
  while (static_cast<int>(m_bars.size()) < laneCount) {
    m_bars.push_back(new QCPBars(xAxis, yAxis));
    m_bars.back()->setBarsGroup(m_group);
  }
  m_titles.clear();
  m_overheads.clear();
  m_wallTimes.clear();
  double largest = 0.0;
  for (int lane = 0; lane < laneCount; ++lane) {
    m_titles.push_back(laneTitle(store, lane));
    const analysis::LaneMeasurement& measured = board.measurement(lane);
    m_overheads.push_back(measured.overhead);
    m_wallTimes.push_back(measured.stepMs);
    QVector<double> keys;
    QVector<double> values;
    for (const double milliseconds : analysis::stepPartsMs(measured)) {
      keys.append(static_cast<double>(keys.size()));
      values.append(milliseconds);
      largest = std::max(largest, milliseconds);
    }
    QCPBars* bars = m_bars[static_cast<std::size_t>(lane)];
    bars->setWidth(0.72 / std::max(laneCount, 1));
    bars->setData(keys, values, true);
    bars->setPen(Qt::NoPen);
    bars->setBrush(toQt(laneColor(store, lane)));
  }
  // The axis grows at once and shrinks only when it is far too long, so that bars do not dance.
  const double wanted = roundUp(largest);
  if (wanted > yAxis->range().upper || largest < 0.4 * yAxis->range().upper) yAxis->setRange(0.0, wanted);
  replot(QCustomPlot::rpQueuedReplot);
}

QString StageChart::valuesAt(double x) const {
  const int bar = static_cast<int>(std::lround(x));
  if (bar < 0 || bar >= kBarCount) return {};
  const bool outside = bar == model::kStageCount;
  QString text = outside ? QString("Outside the stages: prepare + submit + read back")
                         : toQt(model::stageName(static_cast<model::Stage>(bar)));
  for (std::size_t lane = 0; lane < m_bars.size(); ++lane) {
    const auto found = m_bars[lane]->data()->findBegin(bar, false);
    if (found == m_bars[lane]->data()->constEnd()) continue;
    text += QString("\n%1: %2").arg(m_titles[lane], milliseconds(found->value));
    const model::Overhead& overhead = m_overheads[lane];
    if (outside) {
      text += QString(" = %1 + %2 + %3")
                  .arg(milliseconds(overhead.prepareMs), milliseconds(overhead.submitMs),
                       milliseconds(overhead.readBackMs));
    }
    text += QString(" of %1 a step").arg(milliseconds(m_wallTimes[lane]));
  }
  return text;
}

}  // namespace headroom::pages
