#pragma once

#include <QWidget>

#include "app/pages/charts/chart.h"
#include "app/pages/live/verdict_strip.h"

class QStackedWidget;

namespace headroom::pages {

class ChartsPanel;
class RooflineChart;
class SpeedChart;
class WeightsView;

/// What lies below the lanes: the verdict, and one of charts, speed against context, roofline and weights.
class LowerPanel : public QWidget {
  Q_OBJECT

 public:
  LowerPanel(const session::TraceStore& store, const session::SpeedBoard& board,
             const session::Selection& selection, QWidget* parent);

  VerdictStrip& strip() const { return *m_strip; }
  LowerView view() const { return m_view; }
  void setView(LowerView view);
  /// Whether more than the verdict shows.
  void setOpen(bool open);
  bool isOpen() const;
  void setAppearance(const session::Appearance& appearance);
  void setState(const session::SessionState& state);

 signals:
  void viewChanged(headroom::pages::LowerView view);
  /// The view that shows was chosen again: it may go.
  void viewChosenAgain();
  void kvHeadPointed(std::optional<headroom::session::KvHeadAddress> head);

 private:
  void request();
  void refresh();

  ChartSource m_source;
  VerdictStrip* m_strip;
  QStackedWidget* m_stack;
  ChartsPanel* m_charts;
  SpeedChart* m_speed;
  SpeedChart* m_batches;
  RooflineChart* m_roofline;
  WeightsView* m_weights;
  LowerView m_view = LowerView::Charts;
  QTimer m_timer;
};

}  // namespace headroom::pages
