#include "app/pages/live/lower_panel.h"

#include <QStackedWidget>
#include <QVBoxLayout>

#include "app/pages/charts/roofline_chart.h"
#include "app/pages/live/charts_panel.h"
#include "app/pages/live/weights_view.h"

namespace headroom::pages {

namespace {
constexpr int kIntervalMs = 400;
}

LowerPanel::LowerPanel(const session::TraceStore& store, const session::Selection& selection, QWidget* parent)
    : QWidget(parent),
      m_store(store),
      m_selection(selection),
      m_strip(new VerdictStrip(store, selection, this)),
      m_stack(new QStackedWidget(this)),
      m_charts(new ChartsPanel(store, selection, this)),
      m_roofline(new RooflineChart(this)),
      m_weights(new WeightsView(this)),
      m_timer(this) {
  auto* roofline = new QWidget(this);
  auto* margins = new QVBoxLayout(roofline);
  margins->setContentsMargins(8, 0, 8, 8);
  margins->addWidget(m_roofline);
  m_stack->addWidget(m_charts);
  m_stack->addWidget(roofline);
  m_stack->addWidget(m_weights);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(3);
  layout->addWidget(m_strip);
  layout->addWidget(m_stack, 1);
  m_timer.setSingleShot(true);
  connect(&m_timer, &QTimer::timeout, this, &LowerPanel::refresh);
  connect(&store, &session::TraceStore::changed, this, &LowerPanel::request);
  connect(&selection, &session::Selection::changed, this, &LowerPanel::request);
  connect(m_strip, &VerdictStrip::viewChosen, this, &LowerPanel::setView);
}

void LowerPanel::setView(LowerView view) {
  if (m_view == view) return;
  m_view = view;
  m_strip->setView(view);
  m_stack->setCurrentIndex(static_cast<int>(view));
  emit viewChanged(view);
  refresh();
}

void LowerPanel::request() {
  if (!m_timer.isActive()) m_timer.start(kIntervalMs);
}

void LowerPanel::refresh() {
  // The charts refresh themselves.
  if (m_view == LowerView::Roofline) m_roofline->refresh(m_store, m_selection);
  if (m_view == LowerView::Weights) m_weights->refresh(m_store);
}

void LowerPanel::setAppearance(const session::Appearance& appearance) {
  m_strip->setAppearance(appearance);
  m_charts->setAppearance(appearance);
  m_roofline->setAppearance(appearance);
  m_weights->setAppearance(appearance);
  request();
}

void LowerPanel::setState(const session::SessionState& state) {
  m_strip->setState(state);
  m_charts->setFullSpeed(state.playing && state.pace.unlimited());
}

}  // namespace headroom::pages
