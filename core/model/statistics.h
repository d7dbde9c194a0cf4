#pragma once

#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace headroom::model {

/// The middle of at least one value; of an even number of values the mean of the two in the middle.
double median(std::vector<double> values);
/// The middle of at least one value; of an even number of values the smaller of the two in the middle, so
/// that it is one that occurred.
double lowerMedian(std::vector<double> values);

/// Of several measurements.
struct Spread {
  double median = 0.0;
  double minimum = 0.0;
  double maximum = 0.0;
};
/// Of at least one value.
Spread spreadOf(std::vector<double> values);

/// ||actual - expected|| / ||expected||, with Euclidean norms in double. Infinite where that says nothing:
/// rows of different length, without a value, with a NaN, or when all that is expected is zeros.
template <typename Actual, typename Expected>
double relativeError(std::span<const Actual> actual, std::span<const Expected> expected) {
  constexpr double kNoAnswer = std::numeric_limits<double>::infinity();
  if (actual.size() != expected.size()) return kNoAnswer;
  double difference = 0.0;
  double norm = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double delta = static_cast<double>(actual[i]) - static_cast<double>(expected[i]);
    difference += delta * delta;
    norm += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  const double error = std::sqrt(difference / norm);
  return std::isnan(error) ? kNoAnswer : error;
}

}  // namespace headroom::model
