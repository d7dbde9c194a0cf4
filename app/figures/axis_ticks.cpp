#include "app/figures/axis_ticks.h"

#include <algorithm>
#include <cmath>

#include "core/model/quantity.h"

namespace headroom::figures {

namespace {

/// 1, 2 or 5 times a power of ten.
double roundStep(double range, int count) {
  const double wanted = range / std::max(count, 1);
  const double decade = std::pow(10.0, std::floor(std::log10(wanted)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * decade >= wanted * (1.0 - 1e-9)) return factor * decade;
  }
  return 10.0 * decade;
}

std::vector<Tick> decades(const Axis& axis) {
  std::vector<Tick> ticks;
  const int first = static_cast<int>(std::floor(std::log10(axis.low)));
  const int last = static_cast<int>(std::ceil(std::log10(axis.high)));
  const bool areFew = last - first <= 3;
  for (int exponent = first; exponent <= last; ++exponent) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10.0, exponent);
      if ((factor > 1.0 && !areFew) || value < axis.low || value > axis.high) continue;
      ticks.push_back({value, model::fixedText(value, std::max(0, -exponent))});
    }
  }
  return ticks;
}

}  // namespace

std::vector<Tick> ticksOf(const Axis& axis, int count) {
  if (axis.isLogarithmic) return decades(axis);
  std::vector<Tick> ticks;
  const double step = roundStep(axis.high - axis.low, count);
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  const double first = std::ceil(axis.low / step - 1e-9);
  for (double index = first; index * step <= axis.high + 1e-9 * step; index += 1.0) {
    // Never -0.
    const double value = index * step + 0.0;
    ticks.push_back({value, model::fixedText(value, decimals)});
  }
  return ticks;
}

Axis roundedUp(Axis axis, int count) {
  if (axis.high <= axis.low) axis.high = axis.low + 1.0;
  const double step = roundStep(axis.high - axis.low, count);
  axis.high = axis.low + step * std::ceil((axis.high - axis.low) / step - 1e-9);
  return axis;
}

double shareAlong(const Axis& axis, double value) {
  if (!axis.isLogarithmic) return (value - axis.low) / (axis.high - axis.low);
  return std::log(value / axis.low) / std::log(axis.high / axis.low);
}

}  // namespace headroom::figures
