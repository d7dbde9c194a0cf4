#pragma once

#include <QColor>

#include "app/session/color_map.h"

namespace headroom::pages {

inline QColor toQt(session::Color color) {
  return {color.red, color.green, color.blue, color.alpha};
}

}  // namespace headroom::pages
