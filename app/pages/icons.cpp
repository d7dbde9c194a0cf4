#include "app/pages/icons.h"

#include <QPainter>
#include <QPainterPath>
#include <QPixmap>
#include <QPolygonF>

namespace headroom::pages {

namespace {

/// Draws on a square of 16 units.
void paint(QPainter& painter, Icon icon, const QColor& color) {
  painter.setPen(Qt::NoPen);
  painter.setBrush(color);
  QPen pen(color, 1.6, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin);
  switch (icon) {
    case Icon::Play:
      painter.drawPolygon(QPolygonF({{4.0, 2.5}, {13.5, 8.0}, {4.0, 13.5}}));
      break;
    case Icon::Pause:
      painter.drawRoundedRect(QRectF(3.5, 2.5, 3.2, 11.0), 0.8, 0.8);
      painter.drawRoundedRect(QRectF(9.3, 2.5, 3.2, 11.0), 0.8, 0.8);
      break;
    case Icon::StepToken:
      painter.drawPolygon(QPolygonF({{2.5, 3.0}, {10.0, 8.0}, {2.5, 13.0}}));
      painter.drawRoundedRect(QRectF(11.0, 3.0, 2.4, 10.0), 0.6, 0.6);
      break;
    case Icon::Restart:
      painter.drawRoundedRect(QRectF(2.6, 3.0, 2.4, 10.0), 0.6, 0.6);
      painter.drawPolygon(QPolygonF({{13.5, 3.0}, {6.0, 8.0}, {13.5, 13.0}}));
      break;
    case Icon::Add:
      painter.setPen(pen);
      painter.drawLine(QPointF(8.0, 3.5), QPointF(8.0, 12.5));
      painter.drawLine(QPointF(3.5, 8.0), QPointF(12.5, 8.0));
      break;
    case Icon::Close:
      painter.setPen(pen);
      painter.drawLine(QPointF(4.8, 4.8), QPointF(11.2, 11.2));
      painter.drawLine(QPointF(11.2, 4.8), QPointF(4.8, 11.2));
      break;
    case Icon::Choose:
      painter.setPen(pen);
      painter.setBrush(Qt::NoBrush);
      painter.drawPolyline(QPolygonF({{4.5, 6.2}, {8.0, 9.8}, {11.5, 6.2}}));
      break;
  }
}

}  // namespace

QIcon makeIcon(Icon icon, const QColor& color) {
  QIcon result;
  for (const int size : {16, 24, 32, 48}) {
    QPixmap pixmap(size, size);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.scale(size / 16.0, size / 16.0);
    paint(painter, icon, color);
    painter.end();
    result.addPixmap(pixmap);
    QPixmap faint = pixmap;
    QPainter fade(&faint);
    fade.setCompositionMode(QPainter::CompositionMode_DestinationIn);
    fade.fillRect(faint.rect(), QColor(0, 0, 0, 90));
    fade.end();
    result.addPixmap(faint, QIcon::Disabled);
  }
  return result;
}

}  // namespace headroom::pages
