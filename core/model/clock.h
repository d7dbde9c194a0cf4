#pragma once

#include <chrono>
#include <string>

namespace headroom::model {

/// The host's clock, by which everything is timed that the device does not time itself.
using Clock = std::chrono::steady_clock;

inline double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}
inline double secondsSince(Clock::time_point start) {
  return 1e-3 * millisecondsSince(start);
}

/// Now, by the wall: "2026-11-22 09:30". What was measured is kept and shown with it.
std::string dateText();

}  // namespace headroom::model
