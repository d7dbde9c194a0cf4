#include "core/analysis/verdict.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "core/analysis/compared_lanes.h"
#include "core/model/common_fill.h"
#include "core/model/quantity.h"
#include "core/text/phrases.h"

namespace headroom::analysis {

namespace {

using model::Sentence;
using model::SentenceId;
using model::timesText;
using text::inWords;
using text::sentence;

/// An answer that stands is kept until the range is that much beyond what would have given it.
constexpr double kKept = 0.03;
/// How much farther than the longest context so far a forecast goes.
constexpr double kFarthest = 8.0;
/// Of the bytes read: below this a few positions more change what it rounds to.
constexpr double kSmallShare = 0.1;
/// A promise stays where it is while the new one is within this of it.
constexpr double kSamePlace = 0.15;
/// Where no goal is in reach, what is said of is a context that much longer.
constexpr double kLonger = 2.0;
/// What is worth going somewhere for: the nearest of the first, else what can be had.
constexpr double kGoals[] = {1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 1.3, 1.2, 1.1};
/// As 1.00.
constexpr double kShownAsOne = 0.995;
/// The part of a step that attention must take for its rate to say something.
constexpr double kHeavyStage = 0.25;
constexpr double kFarBelow = 0.5;
constexpr std::size_t kLongestTitle = 16;
constexpr std::size_t kLongestTitleOfMany = 10;
constexpr std::size_t kMostCompared = 2;
constexpr std::size_t kMostLetters = 140;

std::string shortTitle(const std::string& title, std::size_t most) {
  if (title.size() <= most) return title;
  std::size_t end = most - 1;
  while (end > 0 && (static_cast<unsigned char>(title[end]) & 0xC0u) == 0x80u) --end;
  return title.substr(0, end) + "\u2026";
}

std::size_t letters(const std::string& utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(
      utf8, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0u) != 0x80u; }));
}

std::string nameOf(const JudgedLane& lane, bool ofKernels, std::size_t most) {
  if (!ofKernels) return shortTitle(lane.title, most);
  return lane.measurement.options.attention == model::AttentionKernel::Naive
             ? inWords<SentenceId::VerdictNaiveKernel>()
             : inWords<SentenceId::VerdictSharedKernel>();
}

std::string placeText(const OperatingPoint& at, int batchNow) {
  const std::string positions = model::groupDigits(at.positions);
  return at.batch == batchNow
             ? inWords<SentenceId::VerdictPositions>(positions)
             : inWords<SentenceId::VerdictBatchPositions>(std::to_string(at.batch), positions);
}

/// GB/s of keys and values in attention; 0 unless that stage is heavy.
double kvRate(const LaneMeasurement& lane) {
  constexpr auto kAttention = static_cast<std::size_t>(model::Stage::AttentionDecode);
  const double ms = lane.stageMs[kAttention];
  if (ms < kHeavyStage * lane.stepMs) return 0.0;
  const auto kv = static_cast<double>(lane.logical.kvRead);
  return gigaPerSecond(kv, ms);
}

int roundToTwoDigits(double value) {
  const double unit = std::pow(10.0, std::max(0.0, std::floor(std::log10(std::max(value, 1.0))) - 1.0));
  return static_cast<int>(std::ceil(value / unit - 1e-9) * unit);
}

const SpeedCurve* curveOf(const SpeedMap& map, const JudgedLane& lane) {
  const auto found = std::ranges::find_if(map.curves, [&](const SpeedCurve& curve) {
    return curve.source == lane.source && runsAs(curve, lane.measurement.options.attention) &&
           curve.kvType == lane.measurement.options.kvType;
  });
  return found == map.curves.end() ? nullptr : &*found;
}

class Judge {
 public:
  Judge(std::span<const JudgedLane> lanes, const SpeedMap* map, const Verdict* before, const Reach& reach)
      : m_lanes(lanes), m_map(map), m_before(before), m_reach(reach) {}

  Verdict judge() {
    const ComparedLanes group = comparedLanes(m_lanes);
    m_verdict.ofKernels = group.ofKernels;
    if (group.lanes.size() < 2) {
      m_verdict.answer = Answer::OneLane;
      if (m_lanes.empty()) return m_verdict;
      const model::AttentionShape& heads = m_lanes.front().measurement.config.attention;
      const std::string title = shortTitle(m_lanes.front().title, kLongestTitle);
      say(heads.groupSize() > 1 ? sentence<SentenceId::VerdictOneLaneShares>(title)
                                : sentence<SentenceId::VerdictOneLaneAlone>(title));
      return m_verdict;
    }
    m_verdict.reference = group.lanes.front();
    bool haveCommon = true;
    std::size_t fewest = lane(m_verdict.reference).steps.size();
    bool isMeasured = reference().measured();
    for (std::size_t index = 1; index < group.lanes.size(); ++index) {
      const JudgedLane& other = lane(group.lanes[index]);
      m_pairs = pairSteps(lane(m_verdict.reference).steps, other.steps);
      fewest = std::min(fewest, other.steps.size());
      isMeasured = isMeasured || other.measurement.measured();
      haveCommon = haveCommon && standTogether(other.measurement) && m_pairs.size() >= kFewestPairs;
      m_verdict.others.push_back(against(group.lanes[index]));
    }
    for (AgainstReference& against : m_verdict.others) against.isTooNoisy = isTooNoisy(against);
    if (fewest < kFewestPairs) {
      m_verdict.answer = Answer::NotMeasured;
      sayWhatIsMissing(fewest, isMeasured);
      return withoutSpeedups();
    }
    if (!haveCommon) {
      m_verdict.answer = Answer::OtherPositions;
      say(sentence<SentenceId::VerdictOtherPositions>());
      return withoutSpeedups();
    }
    m_verdict.answer = answer();
    // m_pairs are those of the last lane.
    const double reference = kvRate(lane(m_verdict.reference).measurement);
    const double last = kvRate(lane(m_verdict.others.back().lane).measurement);
    m_verdict.kernelLimits = !m_verdict.ofKernels && last > 0.0 && last < kFarBelow * reference;
    m_verdict.promise = promise();
    speak(reference, last);
    return m_verdict;
  }

 private:
  const JudgedLane& lane(int index) const { return m_lanes[static_cast<std::size_t>(index)]; }
  const LaneMeasurement& reference() const { return lane(m_verdict.reference).measurement; }
  int batch() const { return reference().options.batch; }

  /// Times at other positions are times of other work. One of two lanes in lockstep may be a step ahead.
  bool standTogether(const LaneMeasurement& other) const {
    return other.measured() && std::abs(reference().positions - other.positions) <= 1.0;
  }

  AgainstReference against(int other) const {
    const auto read = [](const LaneMeasurement& measured) {
      return static_cast<double>(bytesRead(measured.logical));
    };
    const double fewer = read(lane(other).measurement);
    return {.lane = other,
            .speedup = m_pairs.size() >= kFewestPairs && standTogether(lane(other).measurement)
                           ? speedupNow(m_pairs, reference().stepMs / lane(other).measurement.stepMs)
                           : std::nullopt,
            .bytesRatio = fewer > 0.0 ? read(reference()) / fewer : 1.0};
  }

  bool isTooNoisy(const AgainstReference& against) const {
    const bool stands = m_before != nullptr && m_before->reference == m_verdict.reference;
    const AgainstReference* before = stands ? m_before->find(against.lane) : nullptr;
    const bool was = before != nullptr && before->isTooNoisy;
    if (!against.speedup) return false;
    const Estimate& speedup = *against.speedup;
    if (speedup.high > kWidestRange * (was ? 0.9 : 1.0) * speedup.low) return true;
    const double margin = kNoticeable + (was ? kKept : 0.0);
    const bool isClear = speedup.low > 1.0 + margin || speedup.high < 1.0 - margin;
    return !isClear && speedup.relativeSpread() > kTooNoisy * (was ? 0.75 : 1.0);
  }

  Answer answer() const {
    const Estimate& speedup = *m_verdict.others.back().speedup;
    const bool stands = m_before != nullptr && m_before->reference == m_verdict.reference;
    const auto kept = [&](Answer answer) { return stands && m_before->answer == answer ? kKept : 0.0; };
    if (m_verdict.others.back().isTooNoisy) return Answer::TooNoisy;
    if (speedup.low > 1.0 + kNoticeable - kept(Answer::Faster) + kept(Answer::Alike)) return Answer::Faster;
    if (speedup.high < 1.0 - kNoticeable + kept(Answer::Slower) - kept(Answer::Alike)) return Answer::Slower;
    return Answer::Alike;
  }

  bool withinReach(const OperatingPoint& at) const {
    // All lanes go there.
    const auto fits = [&](const JudgedLane& lane) {
      const LaneMeasurement& measured = lane.measurement;
      return model::isFilledSoFar(model::kvCacheBytes(measured.config, measured.options.kvType, 1), at.batch,
                                  at.positions);
    };
    const int most = model::commonFill(
        m_lanes, [](const JudgedLane& lane) { return model::mostFill(lane.measurement.config); });
    return at.positions <= std::min(most, m_reach.maximumPositions) && std::ranges::all_of(m_lanes, fits);
  }

  /// What the last sweep of the two lanes measured: points themselves, not what lies between them, for there
  /// the numbers are those of the chart.
  std::vector<Promise> sweptPoints() const {
    std::vector<Promise> points;
    const SpeedCurve* slow = m_map ? curveOf(*m_map, lane(m_verdict.reference)) : nullptr;
    const SpeedCurve* fast = m_map ? curveOf(*m_map, lane(m_verdict.others.back().lane)) : nullptr;
    if (slow == nullptr || fast == nullptr) return points;
    for (const SpeedPoint& point : slow->points) {
      if (const auto speedup = measuredSpeedup(*slow, *fast, point.at)) {
        points.push_back({.at = point.at,
                          .speedup = {speedup->median, speedup->minimum, speedup->maximum},
                          .isMeasured = true});
      }
    }
    return points;
  }

  static bool isTold(const Promise& measured) {
    return measured.speedup.relativeSpread() <= kMostPromiseSpread;
  }

  /// The nearest place ahead where a sweep measured that much.
  std::optional<Promise> measuredPromise(double goal) const {
    std::optional<Promise> nearest;
    for (Promise& point : sweptPoints()) {
      const bool isAhead = point.at.batch > batch() ||
                           (point.at.batch == batch() && point.at.positions > reference().positions);
      const bool counts = point.speedup.value >= goal && isTold(point) && withinReach(point.at) && isAhead;
      if (!counts) continue;
      const bool isNearer = !nearest || std::pair(point.at.batch, point.at.positions) <
                                            std::pair(nearest->at.batch, nearest->at.positions);
      if (!isNearer) continue;
      nearest = point;
      nearest->goal = goal;
    }
    return nearest;
  }

  /// Of the points that the last sweep tells something of, the one that is least far from here.
  std::optional<Promise> measuredNearHere() const {
    const auto distance = [this](const Promise& point) {
      return std::pair(std::abs(point.at.batch - batch()),
                       std::abs(point.at.positions - reference().positions));
    };
    std::optional<Promise> nearest;
    for (const Promise& point : sweptPoints()) {
      if (isTold(point) && (!nearest || distance(point) < distance(*nearest))) nearest = point;
    }
    return nearest;
  }

  /// Whether a sweep measured this batch so far: then nothing is forecast of it.
  bool isSwept(const OperatingPoint& at) const {
    return std::ranges::any_of(sweptPoints(), [&](const Promise& point) {
      return point.at.batch == at.batch && point.at.positions >= at.positions;
    });
  }

  std::optional<Promise> forecastPromise(const SpeedForecast& forecast, double goal) const {
    const std::optional<double> positions =
        goal > 0.0 ? forecast.reaches(goal) : kLonger * forecast.longestMeasured();
    if (!positions || *positions > kFarthest * forecast.longestMeasured()) return std::nullopt;
    Promise promise{.goal = goal, .at = {batch(), roundToTwoDigits(*positions)}};
    // One that stands is not moved by every step.
    const bool stands = m_before != nullptr && m_before->promise && !m_before->promise->isMeasured &&
                        m_before->promise->goal == goal && m_before->promise->at.batch == batch() &&
                        m_before->reference == m_verdict.reference;
    if (stands) {
      const double ratio = static_cast<double>(m_before->promise->at.positions) / *positions;
      if (ratio < 1.0 + kSamePlace && ratio > 1.0 / (1.0 + kSamePlace)) promise.at = m_before->promise->at;
    }
    promise.speedup = forecast.at(promise.at.positions);
    const bool isAhead = promise.at.positions > static_cast<int>(reference().positions);
    const bool isMore = promise.speedup.value > m_verdict.others.back().speedup->value;
    // A range that shows "slower" promises nothing.
    const bool isTold =
        promise.speedup.relativeSpread() <= kMostPromiseSpread && promise.speedup.low >= kShownAsOne;
    if (!isAhead || !isMore || !isTold || isSwept(promise.at) || !withinReach(promise.at))
      return std::nullopt;
    return promise;
  }

  /// The goals beyond what is there now: that of the promise that stands, then the others.
  std::vector<double> goals() const {
    std::vector<double> ahead;
    const auto& now = m_verdict.others.back().speedup;
    for (const double goal : kGoals) {
      if (!now || now->high < goal) ahead.push_back(goal);
    }
    const bool stands =
        m_before != nullptr && m_before->promise && m_before->reference == m_verdict.reference;
    if (stands) {
      const auto same = std::ranges::find(ahead, m_before->promise->goal);
      if (same != ahead.end()) std::rotate(ahead.begin(), same, same + 1);
    }
    return ahead;
  }

  /// Where steps here are too noisy: the most telling point of the last sweep, which takes turns.
  std::optional<Promise> sweepsAnswer() const {
    for (const double goal : {2.0, 1.5, 1.2, 1.0 + kNoticeable}) {
      if (const auto measured = measuredPromise(goal)) return measured;
    }
    return std::nullopt;
  }

  std::optional<Promise> promise() const {
    if (m_verdict.answer == Answer::TooNoisy) return sweepsAnswer();
    for (const double goal : goals()) {
      if (const auto measured = measuredPromise(goal)) return measured;
    }
    const auto forecast = SpeedForecast::from(m_pairs);
    if (!forecast) return std::nullopt;
    for (const double goal : goals()) {
      if (const auto promised = forecastPromise(*forecast, goal)) return promised;
    }
    if (m_verdict.kernelLimits) return std::nullopt;
    return forecastPromise(*forecast, 0.0);
  }

  std::string name(int index) const {
    return nameOf(lane(index), m_verdict.ofKernels,
                  m_verdict.others.size() > 1 ? kLongestTitleOfMany : kLongestTitle);
  }

  void say(Sentence said) { m_verdict.sentences.push_back(std::move(said)); }

  /// A lane's own speed is known from its first step on, and shown: then only the comparison is missing.
  void sayWhatIsMissing(std::size_t fewestSteps, bool isMeasured) {
    if (isMeasured) {
      say(sentence<SentenceId::VerdictTooFewSteps>(std::to_string(fewestSteps),
                                                   std::to_string(kFewestPairs)));
    } else {
      say(sentence<SentenceId::VerdictNotMeasured>());
    }
  }

  /// Where the sentence compares nothing no lane's headline does.
  Verdict withoutSpeedups() {
    for (AgainstReference& against : m_verdict.others) against.speedup.reset();
    return m_verdict;
  }

  /// "GQA is 1.30× (1.25 to 1.35), MQA is 1.50× (1.44 to 1.57)": of the lanes that are not too noisy.
  std::string compared() const {
    std::string list;
    const std::size_t most = std::min(m_verdict.others.size(), kMostCompared);
    for (const AgainstReference& other : std::span(m_verdict.others).last(most)) {
      if (other.isTooNoisy) continue;
      const std::string range = other.speedup->text();
      if (!list.empty()) {
        list = inWords<SentenceId::VerdictNextLane>(list, name(other.lane), range);
      } else if (m_verdict.ofKernels) {  // against the naive one
        list = inWords<SentenceId::VerdictOfSharedKernel>(range);
      } else {
        list = inWords<SentenceId::VerdictFirstLane>(name(other.lane), range);
      }
    }
    return list;
  }

  void speak(double referenceRate, double lastRate) {
    const std::string referenceName = name(m_verdict.reference);
    const AgainstReference& last = m_verdict.others.back();
    if (m_verdict.answer == Answer::TooNoisy) {
      sayTooNoisy(last);
      return;
    }
    say(sentence<SentenceId::VerdictCompared>(compared(), referenceName));
    const bool explains =
        m_verdict.answer == Answer::Alike && !m_verdict.ofKernels && !m_verdict.kernelLimits;
    if (explains) {
      // No more than stays true while the bytes beside it go on and the sentence stands.
      const double kv = reference().kvShareOfReads();
      const std::string share = kv < kSmallShare ? fmt::format("less than {:.0f} %", 100.0 * kSmallShare)
                                                 : model::percentTexts(std::array{kv, 1.0 - kv}).front();
      say(reference().ranOnDevice() ? sentence<SentenceId::VerdictSmallIssuedShare>(share, referenceName)
                                    : sentence<SentenceId::VerdictSmallLogicalShare>(share, referenceName));
    }
    std::vector<Sentence> ends;
    if (m_verdict.promise) {
      ends = promised(*m_verdict.promise);
    } else if (m_verdict.kernelLimits) {
      ends = kernelLimits(name(last.lane), lastRate, referenceRate);
    }
    ends.push_back(sentence<SentenceId::VerdictNothingMore>());
    endWith(ends, explains);
  }

  /// And what the last sweep, which takes turns, says instead: of the promised place, else of the nearest.
  void sayTooNoisy(const AgainstReference& last) {
    const std::string low = timesText(last.speedup->low);
    const std::string high = timesText(last.speedup->high);
    const std::string referenceName = name(m_verdict.reference);
    if (!m_verdict.promise) m_verdict.quoted = measuredNearHere();
    const std::optional<Promise> measured = m_verdict.promise ? m_verdict.promise : m_verdict.quoted;
    const std::string others = compared();
    if (!others.empty()) {
      // What is known of the others comes first; what a sweep says of the last as far as there is room.
      say(sentence<SentenceId::VerdictCompared>(others, referenceName));
      say(sentence<SentenceId::VerdictButTooNoisy>(name(last.lane), low, high));
      std::vector<Sentence> ends;
      if (measured) ends = promised(*measured);
      ends.push_back(sentence<SentenceId::VerdictNothingMore>());
      endWith(ends, false);
    } else if (measured) {
      const auto told = [&](const std::string& times) {
        return sentence<SentenceId::VerdictTooNoisyButMeasured>(name(last.lane), low, high, referenceName,
                                                                times, placeText(measured->at, batch()));
      };
      const Sentence whole = told(measured->speedup.text());
      say(letters(text::phrases({whole})) <= kMostLetters ? whole : told(measured->speedup.shortText()));
    } else if (sweptPoints().empty()) {
      say(sentence<SentenceId::VerdictTooNoisy>(name(last.lane), low, high, referenceName));
    } else {
      say(sentence<SentenceId::VerdictSweepTooNoisy>(name(last.lane), low, high, referenceName));
    }
  }

  /// The first of the ends with which it is not too long; the explanation before it goes first.
  void endWith(const std::vector<Sentence>& ends, bool explains) {
    const auto fits = [&](const Sentence& end) {
      std::vector<Sentence> whole = m_verdict.sentences;
      whole.push_back(end);
      return letters(text::phrases(whole)) <= kMostLetters;
    };
    if (explains && !fits(ends.front())) m_verdict.sentences.pop_back();
    const auto chosen = std::ranges::find_if(ends, fits);
    m_verdict.sentences.push_back(chosen != ends.end() ? *chosen : ends.back());
  }

  /// The most telling first.
  std::vector<Sentence> promised(const Promise& promise) const {
    const std::string place = placeText(promise.at, batch());
    if (promise.isMeasured) {
      return {sentence<SentenceId::VerdictMeasured>(promise.speedup.text(), place),
              sentence<SentenceId::VerdictMeasured>(promise.speedup.shortText(), place)};
    }
    return {sentence<SentenceId::VerdictExpected>(
        promise.goal > 0.0 ? model::fixedText(promise.goal, 1) : timesText(promise.speedup.value), place,
        timesText(promise.speedup.low), timesText(promise.speedup.high))};
  }

  /// The most telling first.
  std::vector<Sentence> kernelLimits(const std::string& lastName, double lastRate,
                                     double referenceRate) const {
    const std::string referenceName = name(m_verdict.reference);
    const std::string last = model::fixedText(lastRate, 1);
    const std::string reference = model::fixedText(referenceRate, 1);
    return {sentence<SentenceId::VerdictKernelLimits>(lastName, last, referenceName, reference),
            sentence<SentenceId::VerdictKernelLimitsInShort>(lastName, last, referenceName, reference),
            sentence<SentenceId::VerdictKernelLimitsOnly>()};
  }

  std::span<const JudgedLane> m_lanes;
  const SpeedMap* m_map;
  const Verdict* m_before;
  Reach m_reach;
  Verdict m_verdict;
  std::vector<StepPair> m_pairs;
};

}  // namespace

const AgainstReference* Verdict::find(int lane) const {
  const auto found = std::ranges::find(others, lane, &AgainstReference::lane);
  return found == others.end() ? nullptr : &*found;
}

Verdict judge(std::span<const JudgedLane> lanes, const SpeedMap* map, const Verdict* before,
              const Reach& reach) {
  return Judge(lanes, map, before, reach).judge();
}

}  // namespace headroom::analysis
