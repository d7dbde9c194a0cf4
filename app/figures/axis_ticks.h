#pragma once

#include <string>
#include <vector>

#include "app/figures/figure.h"

namespace headroom::figures {

struct Tick {
  double value = 0.0;
  std::string label;
};

/// The axis with round values, about `count` of them, with the decimals that tell them apart; decades of a
/// logarithmic one, and twice and five times those where there are few.
std::vector<Tick> ticksOf(const Axis& axis, int count);

/// The axis with its upper end at the next round value.
Axis roundedUp(Axis axis, int count);

/// Where a value lies between the ends of the axis, 0 to 1.
double shareAlong(const Axis& axis, double value);

}  // namespace headroom::figures
