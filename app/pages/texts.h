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

}  // namespace headroom::pages
