#include "app/pages/live/charts_panel.h"

#include <QHBoxLayout>

#include "app/pages/charts/growth_chart.h"
#include "app/pages/charts/stage_chart.h"
#include "app/pages/charts/traffic_chart.h"

namespace headroom::pages {

namespace {
constexpr int kPacedIntervalMs = 150;
constexpr int kFullSpeedIntervalMs = 600;
}  // namespace

ChartsPanel::ChartsPanel(const ChartSource& source, QWidget* parent)
    : QWidget(parent), m_source(source), m_timer(this), m_intervalMs(kPacedIntervalMs) {
  setObjectName("charts");
  auto* stages = new StageChart(this);
  m_charts = {new GrowthChart(this), new TrafficChart(this), stages};
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(8, 0, 8, 8);
  layout->setSpacing(8);
  for (Chart* chart : m_charts) layout->addWidget(chart, 1);
  m_timer.setSingleShot(true);
  connect(&m_timer, &QTimer::timeout, this, &ChartsPanel::refresh);
  connect(&source.store, &session::TraceStore::changed, this, &ChartsPanel::request);
  connect(&source.selection, &session::Selection::changed, this, &ChartsPanel::request);
  // Times stand in the lanes and in the sentence too: they change together.
  connect(&source.board, &session::SpeedBoard::changed, this, [this, stages] {
    if (isVisible()) stages->refresh(m_source);
  });
}

void ChartsPanel::request() {
  if (!m_timer.isActive()) m_timer.start(m_intervalMs);
}

void ChartsPanel::refresh() {
  if (!isVisible()) return;
  for (Chart* chart : m_charts) chart->refresh(m_source);
}

void ChartsPanel::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  request();
}

void ChartsPanel::setAppearance(const session::Appearance& appearance) {
  for (Chart* chart : m_charts) {
    chart->setAppearance(appearance);
    // A class looks at one of them.
    chart->setVisible(!appearance.presentation() || chart == m_charts.front());
  }
  request();
}

void ChartsPanel::setFullSpeed(bool fullSpeed) {
  m_intervalMs = fullSpeed ? kFullSpeedIntervalMs : kPacedIntervalMs;
}

}  // namespace headroom::pages
