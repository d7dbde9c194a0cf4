#include "app/figures/color_bar.h"

#include "app/figures/sheet.h"

namespace headroom::figures {

namespace {
constexpr double kBarWidth = 14.0;
constexpr int kBarSteps = 128;
}  // namespace

void paintColorBar(QPainter& painter, analysis::ColorMap colors, QPointF corner, double height,
                   std::span<const ScaleTick> ticks, const QString& name) {
  const QRectF bar(corner.x(), corner.y(), kBarWidth, height);
  const double step = height / kBarSteps;
  for (int index = 0; index < kBarSteps; ++index) {
    painter.fillRect(QRectF(bar.left(), bar.bottom() - (index + 1) * step, bar.width(), step + 0.5),
                     toQt(analysis::colorOf(colors, (index + 0.5) / kBarSteps)));
  }
  painter.setPen(QPen(dimColor(), 1.0));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(bar);
  for (const ScaleTick& tick : ticks) {
    drawText(painter, smallFont(), inkColor(), {bar.right() + kGap, bar.bottom() - tick.share * height},
             Qt::AlignLeft | Qt::AlignVCenter, toQt(tick.text));
  }
  drawUpwards(painter, textFont(), inkColor(),
              {bar.right() + kColorBarRoom - 2.0 * kGap - kBarWidth, bar.center().y()},
              Qt::AlignHCenter | Qt::AlignBottom, name);
}

}  // namespace headroom::figures
