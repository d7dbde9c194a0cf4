#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/analysis/lane_measurement.h"
#include "core/analysis/robust_line.h"
#include "core/model/step_record.h"

namespace headroom::analysis {

/// The share of resampled measurements that lie in the range of an Estimate.
inline constexpr double kRangeShare = 0.9;
inline constexpr std::string_view kRangeShareText = "nine of ten";

/// The nearer end of a range has at least this part of the other's distance, or both are told.
inline constexpr double kEvenEnds = 0.75;
/// Of a range with a greater relative spread both ends are told.
inline constexpr double kWideRange = 0.2;

/// How many times as fast, and the range in which kRangeShare of resampled measurements lie.
struct Estimate {
  double value = 0.0;
  double low = 0.0;
  double high = 0.0;

  /// The farther end of the range from the value.
  double spread() const;
  /// spread() over the value.
  double relativeSpread() const { return value > 0.0 ? spread() / value : 0.0; }
  /// "1.22\u00d7 \u00b1 0.13"; with its ends, "1.23\u00d7 (1.08 to 1.69)", where these lie at unlike
  /// distances or far apart.
  std::string text() const;
  /// "1.22\u00d7".
  std::string shortText() const;
  /// "1.23\u00d7 (1.08 to 1.69)".
  std::string rangeText() const;
};

/// How long a decode step took that saw so many positions.
struct TimedStep {
  int positions = 0;
  double milliseconds = 0.0;  ///< wall time
};
std::vector<TimedStep> timedSteps(std::span<const model::StepRecord> decodeSteps);

/// Two lanes' steps at the positions that both decoded, ascending.
struct StepPair {
  int positions = 0;
  double slowMs = 0.0;
  double fastMs = 0.0;
};
std::vector<StepPair> pairSteps(std::span<const TimedStep> slow, std::span<const TimedStep> fast);

/// Fewer pairs than this say nothing.
inline constexpr std::size_t kFewestPairs = 12;

/// The range around `quotient`, how many times as fast the fast lane is by the step times that are shown of
/// both: from resampling blocks of neighbours of the last kRecentSteps pairs, so that what slows both lanes
/// at once cancels. Nothing of fewer than kFewestPairs.
std::optional<Estimate> speedupNow(std::span<const StepPair> pairs, double quotient);

/// What the steps so far say of longer contexts: the fast lane's time and what the slow lane takes on top are
/// each a robust line over the positions; overheads that both share cancel in the latter.
class SpeedForecast {
 public:
  /// Nothing of fewer than 48 pairs, or where the positions span less than a factor of 1.5.
  static std::optional<SpeedForecast> from(std::span<const StepPair> pairs);

  /// How many times as fast the fast lane will be. The range widens by kDoublingError with every doubling
  /// beyond what was measured.
  Estimate at(double positions) const;
  /// The positions from which on it is `goal` times as fast; nothing where the lines never get there.
  std::optional<double> reaches(double goal) const;
  double longestMeasured() const { return m_longest; }

 private:
  struct Lines {
    Line fast;
    Line difference;
    double speedupAt(double positions) const;
  };
  static std::optional<Lines> fit(std::span<const LinePoint> fast, std::span<const LinePoint> difference);

  Lines m_lines;
  std::vector<Lines> m_resampled;
  double m_longest = 0.0;
};

}  // namespace headroom::analysis
