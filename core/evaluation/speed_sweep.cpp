#include "core/evaluation/speed_sweep.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <random>

#include "core/evaluation/shuffled_turns.h"
#include "core/model/error.h"

namespace headroom::evaluation {

namespace {

using analysis::OperatingPoint;

constexpr int kShortest = 256;
constexpr int kFewestContexts = 5;

/// All subjects at one point; false when it was stopped.
bool measurePoint(const std::vector<SweepSubject>& subjects, const OperatingPoint& at,
                  const SweepOptions& options, const SweepEvents& events, std::mt19937& random,
                  analysis::SpeedMap& map) {
  std::deque<StepTimer> timers;
  for (const SweepSubject& subject : subjects) {
    if (events.stop()) return false;
    timers.emplace_back(subject.open(at.positions, at.batch), StepTimer::Options{.positions = at.positions,
                                                                                 .warmUpMs = options.warmUpMs,
                                                                                 .roundMs = options.roundMs,
                                                                                 .seed = options.seed});
    timers.back().warmUp(events.stop);
  }
  std::vector<std::vector<double>> rounds(subjects.size());
  ShuffledTurns turns(subjects.size(), random);
  for (int round = 0; round < options.rounds; ++round) {
    std::vector<double> times(subjects.size());
    const bool isWhole = turns.round([&](std::size_t subject) {
      const std::optional<double> time = timers[subject].round(events.stop);
      times[subject] = time.value_or(0.0);
      return time.has_value();
    });
    if (!isWhole) return false;
    for (std::size_t subject = 0; subject < times.size(); ++subject)
      rounds[subject].push_back(times[subject]);
  }
  for (std::size_t subject = 0; subject < subjects.size(); ++subject)
    map.add(subjects[subject].curve, {at, std::move(rounds[subject])});
  return true;
}

}  // namespace

SweepResult sweepSpeed(const std::vector<SweepSubject>& subjects, const SweepOptions& options,
                       const SweepEvents& events) {
  SweepResult result;
  for (const SweepSubject& subject : subjects) result.map.curves.push_back(subject.curve);
  std::mt19937 random(options.seed);
  for (std::size_t index = 0; index < options.points.size(); ++index) {
    const OperatingPoint& at = options.points[index];
    if (events.progress)
      events.progress(static_cast<double>(index) / static_cast<double>(options.points.size()), at);
    try {
      if (!measurePoint(subjects, at, options, events, random, result.map)) return result;
    } catch (const model::DeviceLost&) {
      throw;
    } catch (const model::Error& error) {
      result.skipped.emplace_back(error.what());
      continue;
    }
    if (events.pointDone) events.pointDone(result.map);
  }
  result.map.isComplete = true;
  return result;
}

std::vector<OperatingPoint> sweepPoints(int batch, int longest, std::uint64_t bytesPerPosition,
                                        std::uint64_t mostBytes) {
  const auto fits = [&](int sequences, int positions) {
    return model::isFilledSoFar(bytesPerPosition, sequences, positions, mostBytes);
  };
  while (longest > kShortest && !fits(batch, longest)) longest /= 2;
  // Doubling from the shortest; closer together where that gives too few.
  const double doublings = std::log2(std::max(1.0, static_cast<double>(longest) / kShortest));
  const int count = std::max(kFewestContexts, static_cast<int>(std::lround(doublings)) + 1);
  const double shortest = std::min<double>(kShortest, longest / 4.0);
  std::vector<OperatingPoint> points;
  for (int index = 0; index < count; ++index) {
    const double share = static_cast<double>(index) / (count - 1);
    const double positions = shortest * std::pow(longest / shortest, share);
    points.push_back({batch, std::max(1, static_cast<int>(std::lround(positions / 16.0)) * 16)});
  }
  points.back().positions = longest;
  const int middle = points[points.size() / 2].positions;
  for (int more = batch * 4; more <= model::kMostSequences && fits(more, middle); more *= 4)
    points.push_back({more, middle});
  return points;
}

}  // namespace headroom::evaluation
