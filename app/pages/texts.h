#pragma once

#include <QString>
#include <string_view>

#include "core/model/quantity.h"

namespace headroom::pages {

inline QString toQt(std::string_view utf8) {
  return QString::fromUtf8(utf8.data(), static_cast<qsizetype>(utf8.size()));
}

/// "1,234.50".
inline QString fixed(double value, int decimals) {
  return toQt(model::fixedText(value, decimals));
}

/// "65,536".
template <typename Integer>
QString grouped(Integer value) {
  return toQt(model::groupDigits(value));
}

/// `text` with a line break behind the last word that fits `columns` characters: tool tips do not wrap.
inline QString inLines(const QString& text, qsizetype columns = 96) {
  QString lines;
  qsizetype length = 0;
  for (const QString& word : text.split(u' ')) {
    const bool fits = length + 1 + word.size() <= columns;
    if (!lines.isEmpty()) lines += fits ? u' ' : u'\n';
    lines += word;
    const qsizetype from = word.lastIndexOf(u'\n') + 1;
    length = from > 0 ? word.size() - from : (fits ? length + 1 : 0) + word.size();
  }
  return lines;
}

}  // namespace headroom::pages
