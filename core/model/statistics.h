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

/// Of values drawn independently of each other.
struct Mean {
  double value = 0.0;
  double standardError = 0.0;  ///< of the mean, from the values' deviation; infinite of a single one
};
/// Of at least one value, summed in double.
template <typename Number>
Mean meanOf(std::span<const Number> values) {
  const auto count = static_cast<double>(values.size());
  double sum = 0.0;
  for (const Number value : values) sum += static_cast<double>(value);
  const double mean = sum / count;
  double squares = 0.0;
  for (const Number value : values) {
    const double distance = static_cast<double>(value) - mean;
    squares += distance * distance;
  }
  const double error =
      count > 1.0 ? std::sqrt(squares / (count - 1.0) / count) : std::numeric_limits<double>::infinity();
  return {mean, error};
}

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
