#pragma once

#include <QString>
#include <string_view>

#include "core/analysis/quantity.h"

namespace headroom::pages {

inline QString toQt(std::string_view utf8) {
  return QString::fromUtf8(utf8.data(), static_cast<qsizetype>(utf8.size()));
}

/// "65,536".
template <typename Integer>
QString grouped(Integer value) {
  return toQt(analysis::groupDigits(value));
}

}  // namespace headroom::pages
