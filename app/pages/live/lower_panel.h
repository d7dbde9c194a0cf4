#pragma once

#include <QWidget>

#include "app/pages/live/verdict_strip.h"

class QStackedWidget;

namespace headroom::pages {

class ChartsPanel;
class RooflineChart;
class WeightsView;

/// What lies below the lanes: the verdict, and one of charts, roofline and weight geometry.
class LowerPanel : public QWidget {
  Q_OBJECT

 public:
  LowerPanel(const session::TraceStore& store, const session::Selection& selection, QWidget* parent);

  VerdictStrip& strip() const { return *m_strip; }
  LowerView view() const { return m_view; }
  void setView(LowerView view);
  void setAppearance(const session::Appearance& appearance);
  void setState(const session::SessionState& state);

 signals:
  void viewChanged(headroom::pages::LowerView view);

 private:
  void request();
  void refresh();

  const session::TraceStore& m_store;
  const session::Selection& m_selection;
  VerdictStrip* m_strip;
  QStackedWidget* m_stack;
  ChartsPanel* m_charts;
  RooflineChart* m_roofline;
  WeightsView* m_weights;
  LowerView m_view = LowerView::Charts;
  QTimer m_timer;
};

}  // namespace headroom::pages
