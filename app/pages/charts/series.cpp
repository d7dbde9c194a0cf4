#include "app/pages/charts/series.h"

#include <array>

#include "app/pages/colors.h"

namespace headroom::pages {

const MarkLook& lookOf(figures::Mark mark) {
  using Shape = QCPScatterStyle;
  static constexpr std::array<MarkLook, 9> kLooks{{{Shape::ssNone, ""},
                                                   {Shape::ssCross, "\u00d7"},
                                                   {Shape::ssSquare, "\u25a1"},
                                                   {Shape::ssCircle, "\u25cb"},
                                                   {Shape::ssDisc, "\u25cf"},
                                                   {Shape::ssDiamond, "\u25c7"},
                                                   {Shape::ssTriangle, "\u25b3"},
                                                   {Shape::ssTriangleInverted, "\u25bd"},
                                                   {Shape::ssPlusCircle, "\u2295"}}};
  return kLooks[static_cast<std::size_t>(mark)];
}

void setPoints(QCPGraph& graph, const figures::Series& series) {
  QVector<double> x;
  QVector<double> y;
  for (const figures::Point& point : series.points) {
    x.append(point.x);
    y.append(point.y);
  }
  graph.setData(x, y, true);
  graph.setLineStyle(series.stroke == figures::Stroke::None ? QCPGraph::lsNone : QCPGraph::lsLine);
}

QPen penOf(const figures::Series& series, double width) {
  const Qt::PenStyle style = series.stroke == figures::Stroke::Dashed   ? Qt::DashLine
                             : series.stroke == figures::Stroke::Dotted ? Qt::DotLine
                                                                        : Qt::SolidLine;
  return QPen(toQt(series.color), style == Qt::SolidLine ? width : 0.6 * width, style);
}

}  // namespace headroom::pages
