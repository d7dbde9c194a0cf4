#include "app/figures/sheet.h"

#include <algorithm>

namespace headroom::figures {

namespace {

QFont fontOf(int pixels, QFont::Weight weight) {
  QFont font;
  font.setFamilies({"Roboto", "DejaVu Sans", "sans-serif"});
  font.setPixelSize(pixels);
  font.setWeight(weight);
  // Widths that grow evenly with the scale: one layout serves every device.
  font.setHintingPreference(QFont::PreferNoHinting);
  return font;
}

QRectF placed(const QFont& font, QPointF place, Qt::Alignment alignment, const QString& text) {
  const QSizeF size(widthOf(font, text), lineHeight(font));
  const double left = alignment & Qt::AlignRight     ? place.x() - size.width()
                      : alignment & Qt::AlignHCenter ? place.x() - 0.5 * size.width()
                                                     : place.x();
  const double top = alignment & Qt::AlignBottom    ? place.y() - size.height()
                     : alignment & Qt::AlignVCenter ? place.y() - 0.5 * size.height()
                                                    : place.y();
  return {{left, top}, size};
}

}  // namespace

const QColor& inkColor() {
  static const QColor color(0x1C, 0x22, 0x2B);
  return color;
}
const QColor& dimColor() {
  static const QColor color(0x55, 0x60, 0x70);
  return color;
}
const QColor& gridColor() {
  static const QColor color(0xDD, 0xE2, 0xE9);
  return color;
}
const QColor& untrainedColor() {
  static const QColor color(0xEF, 0xDC, 0xE2);
  return color;
}
const QColor& mapGroundColor() {
  static const QColor color(0xE2, 0xE6, 0xEC);
  return color;
}

QColor toQt(analysis::Color color) {
  return {color.red, color.green, color.blue, color.alpha};
}
QString toQt(std::string_view utf8) {
  return QString::fromUtf8(utf8.data(), static_cast<qsizetype>(utf8.size()));
}

QFont titleFont() {
  return fontOf(17, QFont::Medium);
}
QFont textFont() {
  return fontOf(13, QFont::Normal);
}
QFont smallFont() {
  return fontOf(11, QFont::Normal);
}

double widthOf(const QFont& font, const QString& text) {
  return QFontMetricsF(font).horizontalAdvance(text);
}
double lineHeight(const QFont& font) {
  return QFontMetricsF(font).lineSpacing();
}

QStringList wrapped(const QFont& font, const QString& text, double width) {
  QStringList lines;
  QString line;
  for (QString word : text.split(' ', Qt::SkipEmptyParts)) {
    const QString together = line.isEmpty() ? word : line + ' ' + word;
    if (widthOf(font, together) <= width) {
      line = together;
      continue;
    }
    if (!line.isEmpty()) lines << line;
    while (word.size() > 1 && widthOf(font, word) > width) {
      qsizetype count = word.size() - 1;
      while (count > 1 && widthOf(font, word.left(count)) > width) --count;
      lines << word.left(count);
      word = word.mid(count);
    }
    line = word;
  }
  if (!line.isEmpty()) lines << line;
  return lines;
}

QString elided(const QFont& font, const QString& text, double width) {
  return QFontMetricsF(font).elidedText(text, Qt::ElideRight, width);
}

void drawText(QPainter& painter, const QFont& font, const QColor& color, QPointF place,
              Qt::Alignment alignment, const QString& text) {
  painter.setFont(font);
  painter.setPen(color);
  const QRectF area = placed(font, place, alignment, text);
  painter.drawText(QPointF(area.left(), area.top() + QFontMetricsF(font).ascent()), text);
}

void drawUpwards(QPainter& painter, const QFont& font, const QColor& color, QPointF place,
                 Qt::Alignment alignment, const QString& text) {
  painter.save();
  painter.translate(place);
  painter.rotate(-90.0);
  drawText(painter, font, color, {0.0, 0.0}, alignment, text);
  painter.restore();
}

double paintParagraphs(QPainter* painter, const std::vector<std::string>& paragraphs, double width,
                       double top) {
  const QFont font = smallFont();
  const double line = lineHeight(font);
  double y = top;
  for (const std::string& paragraph : paragraphs) {
    for (const QString& text : wrapped(font, toQt(paragraph), width - 2.0 * kMargin)) {
      if (painter) drawText(*painter, font, dimColor(), {kMargin, y}, Qt::AlignLeft | Qt::AlignTop, text);
      y += line;
    }
    y += 2.0;
  }
  return y - top;
}

}  // namespace headroom::figures
