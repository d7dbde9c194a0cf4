#pragma once

#include <algorithm>
#include <vector>

#include "core/model/clock.h"
#include "core/model/statistics.h"

namespace headroom::engine {

// How probes time what they do.

inline constexpr int kProbeRuns = 7;
/// Of work that takes long, and is disturbed the less, no more runs than these are waited for.
inline constexpr int kFewestProbeRuns = 3;
inline constexpr double kProbePatience = 50e-3;
/// A run lasts at least this long, so that submitting it (20 to 100 us) does not count.
inline constexpr double kProbeSeconds = 4e-3;

template <typename Work>
double secondsOf(const Work& work) {
  const auto start = model::Clock::now();
  work();
  return model::secondsSince(start);
}

/// Of a run, as often as is waited for.
template <typename Work>
std::vector<double> timedRuns(const Work& work) {
  work();  // compiles and warms up
  std::vector<double> seconds;
  double spent = 0.0;
  for (int run = 0; run < kProbeRuns && (run < kFewestProbeRuns || spent < kProbePatience); ++run) {
    seconds.push_back(secondsOf(work));
    spent += seconds.back();
  }
  return seconds;
}

/// What something usually takes.
template <typename Work>
double medianSeconds(const Work& work) {
  return model::median(timedRuns(work));
}

/// What it takes undisturbed: for what a device reaches at most.
template <typename Work>
double fastestSeconds(const Work& work) {
  return std::ranges::min(timedRuns(work));
}

/// How often something that takes `timed(1)` seconds once is to be done, at most `most` times, to be timed
/// well; found by doing it.
template <typename Timed>
int repetitions(int most, const Timed& timed) {
  int times = 1;
  for (double seconds = timed(times); seconds < kProbeSeconds && times < most;) {
    times = std::min(most, times * (seconds < kProbeSeconds / 8 ? 8 : 2));
    seconds = timed(times);
  }
  return times;
}

}  // namespace headroom::engine
