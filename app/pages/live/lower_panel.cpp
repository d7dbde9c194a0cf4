#include "app/pages/live/lower_panel.h"

#include <QHBoxLayout>
#include <QStackedWidget>
#include <QVBoxLayout>
#include <initializer_list>

#include "app/pages/charts/roofline_chart.h"
#include "app/pages/charts/speed_chart.h"
#include "app/pages/live/charts_panel.h"
#include "app/pages/live/weights_view.h"

namespace headroom::pages {

namespace {
constexpr int kIntervalMs = 400;
}

LowerPanel::LowerPanel(const session::TraceStore& store, const session::SpeedBoard& board,
                       const session::Selection& selection, QWidget* parent)
    : QWidget(parent),
      m_source{store, selection, board},
      m_strip(new VerdictStrip(store, board, this)),
      m_stack(new QStackedWidget(this)),
      m_charts(new ChartsPanel(m_source, this)),
      m_speed(new SpeedChart(analysis::SpeedOver::Context, this)),
      m_batches(new SpeedChart(analysis::SpeedOver::Batch, this)),
      m_roofline(new RooflineChart(this)),
      m_weights(new WeightsView(this)),
      m_timer(this) {
  const auto withMargins = [this](std::initializer_list<QWidget*> charts) {
    auto* frame = new QWidget(this);
    auto* margins = new QHBoxLayout(frame);
    margins->setContentsMargins(8, 0, 8, 8);
    margins->setSpacing(8);
    // The first is the one that is looked at.
    for (QWidget* chart : charts) margins->addWidget(chart, chart == *charts.begin() ? 2 : 1);
    return frame;
  };
  m_stack->addWidget(m_charts);
  m_stack->addWidget(withMargins({m_speed, m_batches}));
  m_stack->addWidget(withMargins({m_roofline}));
  m_stack->addWidget(m_weights);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(3);
  layout->addWidget(m_stack, 1);
  // Below them: its buttons stay where they are whatever a view takes.
  layout->addWidget(m_strip);
  m_timer.setSingleShot(true);
  connect(&m_timer, &QTimer::timeout, this, &LowerPanel::refresh);
  connect(&store, &session::TraceStore::changed, this, &LowerPanel::request);
  connect(&selection, &session::Selection::changed, this, &LowerPanel::request);
  // Times stand in the lanes and in the sentence too: they change together.
  connect(&board, &session::SpeedBoard::changed, this, &LowerPanel::refresh);
  connect(m_weights, &WeightsView::kvHeadPointed, this, &LowerPanel::kvHeadPointed);
  connect(&selection, &session::Selection::changed, this,
          [this] { m_weights->showPointed(m_source.store, m_source.selection); });
  connect(m_strip, &VerdictStrip::viewChosen, this, &LowerPanel::setView);
}

void LowerPanel::setOpen(bool open) {
  m_stack->setVisible(open);
  m_strip->setView(open ? std::optional(m_view) : std::nullopt);
}

bool LowerPanel::isOpen() const {
  return !m_stack->isHidden();
}

void LowerPanel::setView(LowerView view) {
  if (m_view == view) {
    emit viewChosenAgain();
    return;
  }
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
  if (m_view == LowerView::Speed) {
    m_speed->refresh(m_source);
    m_batches->refresh(m_source);
  }
  if (m_view == LowerView::Roofline) m_roofline->refresh(m_source);
  if (m_view == LowerView::Weights) m_weights->refresh(m_source.store);
}

void LowerPanel::setAppearance(const session::Appearance& appearance) {
  m_strip->setAppearance(appearance);
  m_charts->setAppearance(appearance);
  m_speed->setAppearance(appearance);
  m_batches->setAppearance(appearance);
  m_roofline->setAppearance(appearance);
  m_weights->setAppearance(appearance);
  request();
}

void LowerPanel::setState(const session::SessionState& state) {
  m_strip->setState(state);
  m_charts->setFullSpeed(state.playing && state.pace.unlimited());
}

}  // namespace headroom::pages
