#pragma once

#include <QFont>
#include <QImage>
#include <QPainter>
#include <algorithm>
#include <cmath>
#include <vector>

#include "app/session/appearance.h"

namespace headroom::test {

/// Two rasterisers' pictures of one word are this alike.
inline constexpr double kSame = 0.75;

/// How much of each pixel is ink, [height][width] from 0 to 1.
struct Ink {
  int width = 0;
  int height = 0;
  std::vector<double> share;

  double at(int x, int y) const { return share[static_cast<std::size_t>(y * width + x)]; }
};

/// Where a text was found, and how well: 1 is the same picture but for brightness.
struct Match {
  double likeness = 0.0;
  QRect place;
};

/// Text as Qt's own painter draws it, without the space around: the expectation, which knows nothing of the
/// live view.
inline QImage paintedText(const QString& text, const QFont& font, QColor ink = Qt::white,
                          QColor ground = Qt::black) {
  QImage image(QFontMetrics(font).horizontalAdvance(text) + 4 * font.pixelSize(), 4 * font.pixelSize(),
               QImage::Format_RGB32);
  image.fill(ground);
  QPainter painter(&image);
  painter.setFont(font);
  painter.setPen(ink);
  painter.drawText(QPoint(2 * font.pixelSize(), 2 * font.pixelSize()), text);
  painter.end();
  QRect part;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      if (image.pixelColor(x, y) != ground) part |= QRect(x, y, 1, 1);
    }
  }
  return image.copy(part);
}

/// Distance of a picture's colours from `ground`, as a share of the largest.
inline Ink inkOn(const QImage& image, QColor ground) {
  Ink ink{.width = image.width(), .height = image.height(), .share = {}};
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const QColor color = image.pixelColor(x, y);
      ink.share.push_back(std::abs(color.red() - ground.red()) + std::abs(color.green() - ground.green()) +
                          std::abs(color.blue() - ground.blue()));
    }
  }
  const double largest = std::max(1.0, *std::ranges::max_element(ink.share));
  for (double& share : ink.share) share /= largest;
  return ink;
}

/// The place in `picture` that looks most like `text`: the largest correlation of their ink.
inline Match find(const Ink& text, const Ink& picture) {
  Match best;
  const int count = text.width * text.height;
  double mean = 0.0;
  for (const double share : text.share) mean += share / count;
  double textSquares = 0.0;
  for (const double share : text.share) textSquares += (share - mean) * (share - mean);
  for (int top = 0; top + text.height <= picture.height; ++top) {
    for (int left = 0; left + text.width <= picture.width; ++left) {
      double sum = 0.0, squares = 0.0, products = 0.0;
      for (int y = 0; y < text.height; ++y) {
        for (int x = 0; x < text.width; ++x) {
          const double share = picture.at(left + x, top + y);
          sum += share;
          squares += share * share;
          products += share * (text.at(x, y) - mean);
        }
      }
      const double spread = squares - sum * sum / count;
      if (spread <= 0.0) continue;
      const double likeness = products / std::sqrt(spread * textSquares);
      if (likeness > best.likeness) best = {likeness, QRect(left, top, text.width, text.height)};
    }
  }
  return best;
}

}  // namespace headroom::test
