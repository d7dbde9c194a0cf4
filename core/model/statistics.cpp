#include "core/model/statistics.h"

#include <algorithm>
#include <cassert>

namespace headroom::model {

double median(std::vector<double> values) {
  assert(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

double lowerMedian(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

Spread spreadOf(std::vector<double> values) {
  const auto [minimum, maximum] = std::ranges::minmax(values);
  return {.median = median(std::move(values)), .minimum = minimum, .maximum = maximum};
}

}  // namespace headroom::model
