#include "core/model/clock.h"

#include <fmt/chrono.h>

#include <ctime>

namespace headroom::model {

std::string dateText() {
  return fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(std::time(nullptr)));
}

}  // namespace headroom::model
