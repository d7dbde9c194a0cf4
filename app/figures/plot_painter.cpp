#include "app/figures/plot_painter.h"

#include <QPolygonF>
#include <algorithm>
#include <cmath>

#include "app/figures/axis_ticks.h"
#include "app/figures/sheet.h"
#include "core/model/quantity.h"

namespace headroom::figures {

namespace {

constexpr double kLineWidth = 2.0;
constexpr double kMarkRadius = 5.0;
constexpr double kTickLength = 4.0;
/// Pixels from one number of an axis to the next, at least.
constexpr double kAcrossTick = 110.0;
constexpr double kDownTick = 48.0;
/// Of a group, the part that its bars cover.
constexpr double kBarsShare = 0.76;

QPen penOf(const Series& series) {
  const Qt::PenStyle style = series.stroke == Stroke::Dashed   ? Qt::DashLine
                             : series.stroke == Stroke::Dotted ? Qt::DotLine
                                                               : Qt::SolidLine;
  QPen pen(toQt(series.color), series.stroke == Stroke::Solid ? kLineWidth : 0.75 * kLineWidth, style);
  pen.setCapStyle(Qt::FlatCap);
  return pen;
}

void paintMark(QPainter& painter, Mark mark, double scale, const QColor& color, QPointF at) {
  const double radius = kMarkRadius * scale;
  painter.setPen(QPen(color, 1.6));
  painter.setBrush(mark == Mark::Disc ? QBrush(color) : QBrush(Qt::NoBrush));
  const auto line = [&](double x0, double y0, double x1, double y1) {
    painter.drawLine(at + QPointF(x0, y0), at + QPointF(x1, y1));
  };
  const auto shape = [&](std::initializer_list<QPointF> corners) {
    QPolygonF polygon;
    for (const QPointF& corner : corners) polygon << at + corner;
    painter.drawPolygon(polygon);
  };
  switch (mark) {
    case Mark::None:
      return;
    case Mark::Cross:
      line(-radius, -radius, radius, radius);
      line(-radius, radius, radius, -radius);
      return;
    case Mark::Square:
      return shape({{-radius, -radius}, {radius, -radius}, {radius, radius}, {-radius, radius}});
    case Mark::Circle:
    case Mark::Disc:
      return painter.drawEllipse(at, radius, radius);
    case Mark::Diamond:
      return shape({{0, -radius - 1}, {radius + 1, 0}, {0, radius + 1}, {-radius - 1, 0}});
    case Mark::Triangle:
      return shape({{0, -radius}, {radius, radius}, {-radius, radius}});
    case Mark::TriangleDown:
      return shape({{0, radius}, {radius, -radius}, {-radius, -radius}});
    case Mark::PlusCircle:
      painter.drawEllipse(at, radius, radius);
      line(-radius, 0, radius, 0);
      line(0, -radius, 0, radius);
      return;
  }
}

/// Entries side by side, in as many rows as they need; the height that they take.
double paintLegend(QPainter& painter, const std::vector<Series>& entries, const QRectF& area) {
  constexpr double kSample = 26.0;
  const QFont font = textFont();
  const double row = lineHeight(font) + 4.0;
  double x = area.left();
  double y = area.top();
  for (const Series& entry : entries) {
    if (entry.name.empty()) continue;
    const QString name = elided(font, toQt(entry.name), area.width() - kSample - kGap);
    const double width = kSample + kGap + widthOf(font, name);
    if (x > area.left() && x + width > area.right()) {
      x = area.left();
      y += row;
    }
    const double middle = y + 0.5 * row;
    if (entry.stroke != Stroke::None) {
      painter.setPen(penOf(entry));
      painter.drawLine(QPointF(x, middle), QPointF(x + kSample, middle));
    }
    paintMark(painter, entry.mark, entry.markScale, toQt(entry.color), {x + 0.5 * kSample, middle});
    drawText(painter, font, inkColor(), {x + kSample + kGap, middle}, Qt::AlignLeft | Qt::AlignVCenter, name);
    x += width + 3.0 * kGap;
  }
  return y + row - area.top() + kGap;
}

/// The axes around a plot, the upright one up to a round value, and where values lie in it.
class Frame {
 public:
  Frame(QPainter& painter, const Axis& x, const Axis& y, const QRectF& area)
      : m_painter(painter), m_x(x), m_y(y) {
    const QFont font = textFont();
    m_bottom = area.bottom() - lineHeight(font);
    const double axis = m_bottom - lineHeight(font) - kTickLength - kGap;
    const int tickCount = static_cast<int>((axis - area.top()) / kDownTick);
    if (!m_y.isLogarithmic) m_y = roundedUp(m_y, tickCount);
    m_yTicks = ticksOf(m_y, tickCount);
    double labels = 0.0;
    for (const Tick& tick : m_yTicks) labels = std::max(labels, widthOf(font, toQt(tick.label)));
    m_labelLeft = area.left();
    const double left = area.left() + lineHeight(font) + kGap + labels + kTickLength + kGap;
    // The last number stands half beyond the end.
    const double right = area.right() - 0.5 * widthOf(font, toQt(model::fixedText(m_x.high, 0))) - kGap;
    m_plot = {left, area.top() + 0.5 * lineHeight(font), right - left,
              axis - area.top() - 0.5 * lineHeight(font)};
  }

  const QRectF& plot() const { return m_plot; }
  double xOf(double value) const { return m_plot.left() + shareAlong(m_x, value) * m_plot.width(); }
  double yOf(double value) const { return m_plot.bottom() - shareAlong(m_y, value) * m_plot.height(); }

  void paintGround(const std::optional<double>& untrainedFrom) {
    if (untrainedFrom) {
      const double left = std::clamp(xOf(*untrainedFrom), m_plot.left(), m_plot.right());
      m_painter.fillRect(QRectF(left, m_plot.top(), m_plot.right() - left, m_plot.height()),
                         untrainedColor());
    }
    const QFont font = textFont();
    for (const Tick& tick : m_yTicks) {
      const double y = yOf(tick.value);
      m_painter.setPen(QPen(gridColor(), 1.0));
      m_painter.drawLine(QPointF(m_plot.left(), y), QPointF(m_plot.right(), y));
      drawText(m_painter, font, dimColor(), {m_plot.left() - kTickLength - kGap, y},
               Qt::AlignRight | Qt::AlignVCenter, toQt(tick.label));
    }
    m_painter.setPen(QPen(dimColor(), 1.0));
    m_painter.drawLine(m_plot.bottomLeft(), m_plot.bottomRight());
    m_painter.drawLine(m_plot.bottomLeft(), m_plot.topLeft());
    drawUpwards(m_painter, font, inkColor(), {m_labelLeft, m_plot.center().y()},
                Qt::AlignHCenter | Qt::AlignTop, toQt(m_y.label));
    drawText(m_painter, font, inkColor(), {m_plot.center().x(), m_bottom}, Qt::AlignHCenter | Qt::AlignTop,
             toQt(m_x.label));
  }

  void paintXTicks() {
    const QFont font = textFont();
    double free = m_plot.left() - kAcrossTick;
    for (const Tick& tick : ticksOf(m_x, static_cast<int>(m_plot.width() / kAcrossTick))) {
      const double x = xOf(tick.value);
      m_painter.setPen(QPen(dimColor(), 1.0));
      m_painter.drawLine(QPointF(x, m_plot.bottom()), QPointF(x, m_plot.bottom() + kTickLength));
      const QString label = toQt(tick.label);
      const double half = 0.5 * widthOf(font, label);
      if (x - half < free) continue;
      free = x + half + kGap;
      drawText(m_painter, font, dimColor(), {x, m_plot.bottom() + kTickLength + 2.0},
               Qt::AlignHCenter | Qt::AlignTop, label);
    }
  }

 private:
  QPainter& m_painter;
  Axis m_x;
  Axis m_y;
  std::vector<Tick> m_yTicks;
  double m_labelLeft = 0.0;
  double m_bottom = 0.0;  // top of the label of the horizontal axis
  QRectF m_plot;
};

void paintSeries(QPainter& painter, const Frame& frame, const Series& series) {
  QPolygonF line;
  for (const Point& point : series.points) line << QPointF(frame.xOf(point.x), frame.yOf(point.y));
  painter.setPen(QPen(toQt(series.color), 1.0));
  for (std::size_t index = 0; index < series.ranges.size(); ++index) {
    const double x = frame.xOf(series.points[index].x);
    painter.drawLine(QPointF(x, frame.yOf(series.ranges[index].low)),
                     QPointF(x, frame.yOf(series.ranges[index].high)));
  }
  if (series.stroke != Stroke::None && line.size() > 1) {
    painter.setPen(penOf(series));
    painter.setBrush(Qt::NoBrush);
    painter.drawPolyline(line);
  }
  // A single point of a line would not be seen.
  const bool isAlone = series.stroke != Stroke::None && line.size() == 1;
  for (const QPointF& at : line)
    paintMark(painter, isAlone ? Mark::Disc : series.mark, series.markScale, toQt(series.color), at);
}

/// As it stands on a bar.
QString barText(double value) {
  return toQt(model::fixedText(value, value < 0.0995 ? 3 : value < 9.95 ? 2 : value < 99.5 ? 1 : 0));
}

}  // namespace

void paintPlot(QPainter& painter, const LinePlot& plot, const QRectF& area) {
  std::vector<Series> entries = plot.series;
  for (Series& entry : entries) entry.points.clear();
  const double legend = paintLegend(painter, entries, area);
  QRectF rest = area.adjusted(0.0, legend, 0.0, 0.0);
  if (plot.untrainedFrom) {
    const double row = lineHeight(textFont()) + 4.0;
    painter.fillRect(QRectF(rest.left(), rest.top() + 3.0, 26.0, row - 8.0), untrainedColor());
    drawText(painter, textFont(), inkColor(), {rest.left() + 26.0 + kGap, rest.top()},
             Qt::AlignLeft | Qt::AlignTop, kUntrainedName);
    rest.setTop(rest.top() + row);
  }
  Frame frame(painter, plot.x, plot.y, rest);
  frame.paintGround(plot.untrainedFrom);
  frame.paintXTicks();
  painter.save();
  painter.setClipRect(
      frame.plot().adjusted(-kMarkRadius - 2.0, -kMarkRadius - 2.0, kMarkRadius + 2.0, kMarkRadius + 2.0));
  for (const Series& series : plot.series) paintSeries(painter, frame, series);
  painter.restore();
}

void paintPlot(QPainter& painter, const BarPlot& plot, const QRectF& area) {
  std::vector<Series> entries;
  double largest = 0.0;
  for (const BarPlot::Lane& lane : plot.lanes) {
    entries.push_back({.name = lane.name, .color = lane.color, .points = {}});
    for (const double value : lane.values) largest = std::max(largest, value);
  }
  const double legend = paintLegend(painter, entries, area);
  const QRectF rest = area.adjusted(0.0, legend, 0.0, 0.0);
  const auto groupCount = static_cast<double>(plot.groups.size());
  Frame frame(painter, {.label = "", .high = groupCount}, {.label = plot.label, .high = largest}, rest);
  frame.paintGround(std::nullopt);
  const QFont font = textFont();
  const QFont small = smallFont();
  const double pitch = frame.plot().width() / groupCount;
  const double barWidth =
      kBarsShare * pitch / static_cast<double>(std::max<std::size_t>(plot.lanes.size(), 1));
  for (std::size_t group = 0; group < plot.groups.size(); ++group) {
    const double middle = frame.xOf(static_cast<double>(group) + 0.5);
    drawText(painter, font, dimColor(), {middle, frame.plot().bottom() + kTickLength + 2.0},
             Qt::AlignHCenter | Qt::AlignTop, elided(font, toQt(plot.groups[group]), pitch - kGap));
    double left = middle - 0.5 * kBarsShare * pitch;
    for (const BarPlot::Lane& lane : plot.lanes) {
      const double value = lane.values[group];
      const double top = frame.yOf(value);
      painter.fillRect(QRectF(left, top, barWidth - 1.0, frame.plot().bottom() - top), toQt(lane.color));
      const QString text = barText(value);
      if (value > 0.0 && widthOf(small, text) <= barWidth - 1.0) {
        drawText(painter, small, inkColor(), {left + 0.5 * (barWidth - 1.0), top - 1.0},
                 Qt::AlignHCenter | Qt::AlignBottom, text);
      }
      left += barWidth;
    }
  }
}

}  // namespace headroom::figures
