#include "core/analysis/speed_comparison.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "core/model/quantity.h"
#include "core/model/statistics.h"
#include "core/text/phrases.h"

namespace headroom::analysis {

namespace {

constexpr int kResamplings = 200;
/// Neighbouring steps are disturbed together; blocks keep that together.
constexpr std::size_t kBlock = 4;
constexpr std::size_t kFewestForForecast = 48;
constexpr double kNoSpread = 0.005;  // shown as 0.00
constexpr double kSmallestSpan = 1.5;
constexpr std::size_t kRanges = 24;
/// A line is not all that there is to a device's caches: what it adds to the range where it was measured, and
/// for each doubling beyond.
constexpr double kModelError = 0.03;
constexpr double kDoublingError = 0.03;

/// The range in which kRangeShare of the values lie, around `value`.
Estimate rangeOf(double value, std::vector<double> resampled) {
  std::ranges::sort(resampled);
  const auto quantile = [&](double share) {
    return resampled[static_cast<std::size_t>(share * static_cast<double>(resampled.size() - 1) + 0.5)];
  };
  return {value, std::min(value, quantile(0.5 - 0.5 * kRangeShare)),
          std::max(value, quantile(0.5 + 0.5 * kRangeShare))};
}

double medianRatio(std::span<const StepPair> pairs) {
  std::vector<double> slow, fast;
  for (const StepPair& pair : pairs) {
    slow.push_back(pair.slowMs);
    fast.push_back(pair.fastMs);
  }
  // As LaneMeasurement has them.
  return model::lowerMedian(std::move(slow)) / model::lowerMedian(std::move(fast));
}

}  // namespace

double Estimate::spread() const {
  return std::max(high - value, value - low);
}

std::string Estimate::text() const {
  const double nearer = std::min(high - value, value - low);
  const bool isEven =
      spread() < kNoSpread || (nearer >= kEvenEnds * spread() && relativeSpread() <= kWideRange);
  if (!isEven) return rangeText();
  // Of the numbers as they are shown, so that it leads to the ends that rangeText() shows elsewhere.
  const int digits = value < 9.95 ? 2 : 1;
  const double unit = std::pow(10.0, -digits);
  const auto shown = [&](double times) { return std::round(times / unit) * unit; };
  const double farther = std::max(shown(high) - shown(value), shown(value) - shown(low));
  return shortText() + " \u00b1 " + model::fixedText(farther, digits);
}

std::string Estimate::shortText() const {
  return model::timesText(value) + "\u00d7";
}

std::string Estimate::rangeText() const {
  return text::inWords<model::SentenceId::VerdictWideRange>(model::timesText(value), model::timesText(low),
                                                            model::timesText(high));
}

std::vector<TimedStep> timedSteps(std::span<const model::StepRecord> decodeSteps) {
  std::vector<TimedStep> steps;
  for (const model::StepRecord& step : decodeSteps) steps.push_back({step.position + 1, step.wallTimeMs});
  return steps;
}

std::vector<StepPair> pairSteps(std::span<const TimedStep> slow, std::span<const TimedStep> fast) {
  std::vector<StepPair> pairs;
  auto other = fast.begin();
  for (const TimedStep& step : slow) {
    while (other != fast.end() && other->positions < step.positions) ++other;
    if (other == fast.end()) break;
    if (other->positions == step.positions && step.milliseconds > 0.0 && other->milliseconds > 0.0)
      pairs.push_back({step.positions, step.milliseconds, other->milliseconds});
  }
  return pairs;
}

std::optional<Estimate> speedupNow(std::span<const StepPair> pairs, double quotient) {
  const auto recent = pairs.last(std::min<std::size_t>(pairs.size(), kRecentSteps));
  if (recent.size() < kFewestPairs) return std::nullopt;
  std::mt19937 random(1);
  const std::size_t blocks = (recent.size() + kBlock - 1) / kBlock;
  std::uniform_int_distribution<std::size_t> start(0, recent.size() - kBlock);
  std::vector<double> ratios;
  for (int resampling = 0; resampling < kResamplings; ++resampling) {
    std::vector<StepPair> chosen;
    for (std::size_t block = 0; block < blocks; ++block) {
      const auto from = recent.subspan(start(random), kBlock);
      chosen.insert(chosen.end(), from.begin(), from.end());
    }
    ratios.push_back(medianRatio(chosen));
  }
  return rangeOf(quotient, std::move(ratios));
}

double SpeedForecast::Lines::speedupAt(double positions) const {
  return 1.0 + difference.at(positions) / fast.at(positions);
}

std::optional<SpeedForecast::Lines> SpeedForecast::fit(std::span<const LinePoint> fast,
                                                       std::span<const LinePoint> difference) {
  const std::optional<Line> fastLine = robustLine(fast);
  const std::optional<Line> differenceLine = robustLine(difference);
  if (!fastLine || !differenceLine) return std::nullopt;
  Lines lines{*fastLine, *differenceLine};
  // A cache that grows does not get faster to read: a falling line is noise.
  if (lines.fast.slope < 0.0) {
    std::vector<double> levels;
    for (const LinePoint& point : fast) levels.push_back(point.y);
    lines.fast = {.intercept = model::median(std::move(levels)), .slope = 0.0};
  }
  return lines;
}

std::optional<SpeedForecast> SpeedForecast::from(std::span<const StepPair> pairs) {
  if (pairs.size() < kFewestForForecast || pairs.back().positions < kSmallestSpan * pairs.front().positions) {
    return std::nullopt;
  }
  std::vector<LinePoint> fast, difference;
  for (const StepPair& pair : pairs) {
    fast.push_back({static_cast<double>(pair.positions), pair.fastMs});
    difference.push_back({static_cast<double>(pair.positions), pair.slowMs - pair.fastMs});
  }
  fast = rangeMedians(fast, kRanges);
  difference = rangeMedians(difference, kRanges);
  const auto lines = fit(fast, difference);
  if (!lines) return std::nullopt;
  SpeedForecast forecast;
  forecast.m_lines = *lines;
  forecast.m_longest = pairs.back().positions;
  std::mt19937 random(1);
  std::uniform_int_distribution<std::size_t> index(0, fast.size() - 1);
  for (int resampling = 0; resampling < kResamplings; ++resampling) {
    std::vector<LinePoint> someFast, someDifference;
    for (std::size_t range = 0; range < fast.size(); ++range) {
      const std::size_t chosen = index(random);
      someFast.push_back(fast[chosen]);
      someDifference.push_back(difference[chosen]);
    }
    if (const auto other = fit(someFast, someDifference)) forecast.m_resampled.push_back(*other);
  }
  return forecast;
}

Estimate SpeedForecast::at(double positions) const {
  std::vector<double> speedups;
  for (const Lines& lines : m_resampled) speedups.push_back(lines.speedupAt(positions));
  Estimate estimate = rangeOf(m_lines.speedupAt(positions), std::move(speedups));
  const double doublings = std::log2(std::max(1.0, positions / m_longest));
  const double widening = kModelError + kDoublingError * doublings;
  estimate.low -= widening * estimate.value;
  estimate.high += widening * estimate.value;
  return estimate;
}

std::optional<double> SpeedForecast::reaches(double goal) const {
  // 1 + d(T) / f(T) = goal, both lines of T.
  const auto& [fast, difference] = m_lines;
  const double missing = (goal - 1.0) * fast.intercept - difference.intercept;
  const double gained = difference.slope - (goal - 1.0) * fast.slope;
  if (missing <= 0.0) return m_longest;
  if (gained <= 0.0) return std::nullopt;
  return missing / gained;
}

}  // namespace headroom::analysis
