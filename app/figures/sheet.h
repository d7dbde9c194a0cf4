#pragma once

#include <QColor>
#include <QFont>
#include <QFontMetricsF>
#include <QPainter>
#include <QRectF>
#include <QStringList>
#include <string>
#include <vector>

#include "app/figures/figure.h"

namespace headroom::figures {

/// Between what belongs together, in pixels of the sheet.
inline constexpr double kGap = 6.0;

/// The ground that every figure is painted on: paper, whatever the window's theme is. Sizes are pixels at 96
/// per inch.

inline constexpr double kMargin = 24.0;

const QColor& inkColor();
const QColor& dimColor();
const QColor& gridColor();
const QColor& untrainedColor();
/// Behind a map.
const QColor& mapGroundColor();

QColor toQt(analysis::Color color);
QString toQt(std::string_view utf8);

QFont titleFont();
QFont textFont();
QFont smallFont();

double widthOf(const QFont& font, const QString& text);
double lineHeight(const QFont& font);

/// Lines of at most `width`, broken between words, within a word only where one alone is longer.
QStringList wrapped(const QFont& font, const QString& text, double width);
/// The text, or as much of it as fits before an ellipsis.
QString elided(const QFont& font, const QString& text, double width);

/// One line of text; `place` is its rectangle's corner or centre as `alignment` says: AlignLeft, AlignHCenter
/// or AlignRight, with AlignTop, AlignVCenter or AlignBottom.
void drawText(QPainter& painter, const QFont& font, const QColor& color, QPointF place,
              Qt::Alignment alignment, const QString& text);
/// The same, turned to read upwards around `place`.
void drawUpwards(QPainter& painter, const QFont& font, const QColor& color, QPointF place,
                 Qt::Alignment alignment, const QString& text);

/// The paragraphs as lines from `top` on; the height that they take.
double paintParagraphs(QPainter* painter, const std::vector<std::string>& paragraphs, double width,
                       double top);

}  // namespace headroom::figures
