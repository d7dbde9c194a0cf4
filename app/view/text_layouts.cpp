#include "app/view/text_layouts.h"

#include <QPainter>
#include <QTextLayout>
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "app/view/system_fonts.h"
#include "app/view/theme.h"

namespace headroom::view {

namespace {

/// Wider than any text here, and still exact as a float.
constexpr qreal kLineWidth = 1 << 20;

/// A text on one line, with its left edge at x = 0.
class LineLayout {
 public:
  LineLayout(const QFont& font, std::string_view text, panels::TextDirection direction)
      : m_layout(QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())), font) {
    QTextOption option(Qt::AlignLeft | Qt::AlignAbsolute);
    option.setTextDirection(direction == panels::TextDirection::RightToLeft ? Qt::RightToLeft
                                                                            : Qt::LeftToRight);
    option.setWrapMode(QTextOption::NoWrap);
    m_layout.setTextOption(option);
    m_layout.beginLayout();
    m_line = m_layout.createLine();
    m_line.setLineWidth(kLineWidth);
    m_line.setPosition({0.0, 0.0});
    m_layout.endLayout();
  }

  const QString& text() const { return m_string; }
  QTextLayout& layout() { return m_layout; }
  const QTextLine& line() const { return m_line; }
  qreal left() const { return m_line.naturalTextRect().left(); }

 private:
  QTextLayout m_layout;
  QString m_string = m_layout.text();
  QTextLine m_line;
};

QImage drawn(LineLayout& layout, QSize size, QPointF at, QColor ink) {
  QImage image(size, QImage::Format_RGBA8888_Premultiplied);
  image.fill(Qt::transparent);
  QPainter painter(&image);
  painter.setPen(ink);
  layout.layout().draw(&painter, at);
  painter.end();
  return image;
}

struct Texel {
  std::uint8_t red, green, blue, alpha;
};

Texel* rowOf(QImage& image, int y) {
  return reinterpret_cast<Texel*>(image.scanLine(y));
}

/// The rectangle of all that is not transparent.
QRect inkOf(QImage& image) {
  QRect ink;
  for (int y = 0; y < image.height(); ++y) {
    const Texel* row = rowOf(image, y);
    for (int x = 0; x < image.width(); ++x) {
      if (row[x].alpha != 0) ink |= QRect(x, y, 1, 1);
    }
  }
  return ink;
}

/// Whether text in black has a texel that is not.
bool hasColors(QImage& black) {
  for (int y = 0; y < black.height(); ++y) {
    const Texel* row = rowOf(black, y);
    const bool found = std::any_of(row, row + black.width(), [](const Texel& texel) {
      return texel.red != 0 || texel.green != 0 || texel.blue != 0;
    });
    if (found) return true;
  }
  return false;
}

void makeWhite(QImage& black) {
  for (int y = 0; y < black.height(); ++y) {
    Texel* row = rowOf(black, y);
    for (int x = 0; x < black.width(); ++x) row[x].red = row[x].green = row[x].blue = row[x].alpha;
  }
}

}  // namespace

TextLayouts::TextLayouts(const panels::Fonts& fonts)
    : m_fonts(fonts),
      m_regular(interfaceFont(FontWeight::Regular).family),
      m_strong(interfaceFont(FontWeight::Strong).family),
      m_emoji(emojiFont().family) {}

QFont TextLayouts::qtFont(const ImFont* font, std::string_view text) const {
  const bool isStrong = font == m_fonts.strong || font == m_fonts.headline;
  QFont result(QString::fromStdString(isStrong ? m_strong : m_regular));
  result.setWeight(isStrong ? QFont::Medium : QFont::Normal);
  // As ImGui's: smooth, without colour fringes, letters moved to whole pixels upright only.
  result.setHintingPreference(QFont::PreferVerticalHinting);
  result.setStyleStrategy(
      static_cast<QFont::StyleStrategy>(QFont::PreferAntialias | QFont::NoSubpixelAntialias));
  result.setPixelSize(std::max(1, static_cast<int>(std::lround(font->FontSize / kLinePerEm))));
  // The selector asks for the emoji of a character that other fonts have too, such as a heart.
  constexpr std::string_view kEmojiSelector = "\uFE0F";
  if (text.find(kEmojiSelector) != std::string_view::npos) {
    result.setFamilies({QString::fromStdString(m_emoji), result.family()});
  }
  return result;
}

panels::ShapedText TextLayouts::shape(const ImFont* font, std::string_view text,
                                      panels::TextDirection direction) const {
  LineLayout layout(qtFont(font, text), text, direction);
  const QString& string = layout.text();
  const qreal left = layout.left();
  panels::ShapedText shaped{.width = static_cast<float>(layout.line().naturalTextWidth()), .characters = {}};
  std::size_t byte = 0;
  for (int at = 0; at < string.size();) {
    const int next = std::max(at + 1, layout.layout().nextCursorPosition(at));
    const auto length = static_cast<std::size_t>(QStringView(string).mid(at, next - at).toUtf8().size());
    const qreal leading = layout.line().cursorToX(at, QTextLine::Leading) - left;
    qreal trailing = layout.line().cursorToX(at, QTextLine::Trailing) - left;
    if (next < string.size()) {
      // The trailing edge of a character of several glyphs is that of the first, where the next does not
      // begin.
      const qreal following = layout.line().cursorToX(next, QTextLine::Leading) - left;
      const bool isLeftToRight = trailing >= leading;
      if (isLeftToRight == (following >= leading)) trailing = following;
    }
    shaped.characters.push_back({.firstByte = byte,
                                 .endByte = byte + length,
                                 .left = static_cast<float>(std::min(leading, trailing)),
                                 .right = static_cast<float>(std::max(leading, trailing))});
    byte += length;
    at = next;
  }
  return shaped;
}

TextPixels TextLayouts::rasterise(const ImFont* font, std::string_view text, panels::TextDirection direction,
                                  QColor ink) const {
  LineLayout layout(qtFont(font, text), text, direction);
  // Glyphs may reach out of their place, but not into the next line but one.
  const int margin = static_cast<int>(std::ceil(font->FontSize));
  const int baseline = static_cast<int>(std::lround(font->Ascent));
  const QSize size(static_cast<int>(std::ceil(layout.line().naturalTextWidth())) + 2 * margin,
                   static_cast<int>(std::ceil(font->FontSize)) + 2 * margin);
  const QPointF at(margin - layout.left(), margin + baseline - layout.line().ascent());
  TextPixels pixels;
  QImage image = drawn(layout, size, at, Qt::black);
  pixels.colored = hasColors(image);
  if (pixels.colored) {
    image = drawn(layout, size, at, ink);
  } else {
    makeWhite(image);
  }
  const QRect part = inkOf(image);
  pixels.left = part.left() - margin;
  pixels.top = part.top() - margin;
  pixels.image = part.isEmpty() ? QImage() : image.copy(part);
  return pixels;
}

}  // namespace headroom::view
