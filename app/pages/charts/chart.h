#pragma once

#include <qcustomplot.h>

#include <optional>

#include "app/figures/lane_plots.h"
#include "app/session/appearance.h"
#include "app/session/selection.h"
#include "app/session/speed_board.h"
#include "app/session/trace_store.h"

namespace headroom::pages {

/// The lane as figures have it, without what was decoded.
figures::FigureLane figureLane(const session::TraceStore& store, int lane, session::Color color);

/// Where charts take what they show.
struct ChartSource {
  const session::TraceStore& store;
  const session::Selection& selection;
  const session::SpeedBoard& board;  ///< whatever is said of time
};

/// What the charts below the live view have in common: title, axes, colours, fonts, a marker for the step
/// looked at, and a tool tip with the values under the mouse.
class Chart : public QCustomPlot {
  Q_OBJECT

 public:
  Chart(const QString& title, const QString& explanation, QWidget* parent);

  virtual void setAppearance(const session::Appearance& appearance);
  /// Takes what is new; the caller decides how often.
  virtual void refresh(const ChartSource& source) = 0;

 protected:
  session::Color laneColor(const session::TraceStore& store, int lane) const;
  QString laneTitle(const session::TraceStore& store, int lane) const;
  /// The lane in its colour here, without what was decoded.
  figures::FigureLane figureLane(const session::TraceStore& store, int lane) const;
  /// A round upper end for an axis that holds `largest`.
  static double roundUp(double largest);
  void setTitle(const QString& title);
  /// Behind the title, on the same line; empty for nothing.
  void setRemark(const QString& remark);
  void markPosition(double position);
  /// Of an axis of positions: tints those beyond the trained context; the tool tip says what they are.
  void markUntrained(const session::TraceStore& store);
  void markUntrained(std::optional<int> from, double axisEnd);
  /// Shows the legend where it covers nothing: behind the title, or in a row between title and plot.
  void showLegend();
  /// Whether names that need so many pixels together have their place behind the title.
  bool hasRoomBehindTitle(int pixels) const;
  /// Once its names, or its width, are others.
  void placeLegend();
  void mouseMoveEvent(QMouseEvent* event) override;
  /// As many numbers at the axis as have room above each other.
  void resizeEvent(QResizeEvent* event) override;
  /// Values at the axis coordinate `x`, one line each; empty for none.
  virtual QString valuesAt(double x) const = 0;

  session::Appearance m_appearance;

 private:
  /// The tool tip of a place in the widget.
  void showTip(const QPoint& at);

  QPoint m_tipAt;
  QCPTextElement* m_title;
  QCPLayoutGrid* m_head = nullptr;  // title and legend, if there is one
  QString m_titleText;
  QString m_explanation;
  QCPItemStraightLine* m_marker;
  QCPItemRect* m_untrained;
  QCPItemStraightLine* m_trainedEdge;
  std::optional<int> m_untrainedFrom;
};

}  // namespace headroom::pages
