#include "core/analysis/speed_map.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/model/quantity.h"
#include "core/text/phrases.h"

namespace headroom::analysis {

namespace {

/// Contexts at a batch with the speedup there, ascending.
std::vector<std::pair<int, model::Spread>> speedups(const SpeedCurve& slow, const SpeedCurve& fast,
                                                    int batch) {
  std::vector<std::pair<int, model::Spread>> points;
  for (const SpeedPoint& point : slow.points) {
    if (point.at.batch != batch) continue;
    if (const auto speedup = measuredSpeedup(slow, fast, point.at))
      points.emplace_back(point.at.positions, *speedup);
  }
  std::ranges::sort(points, {}, &std::pair<int, model::Spread>::first);
  return points;
}

/// Positions at which a line through two neighbours reaches `goal`; 0 where it does nowhere.
template <typename Which>
int firstReach(const std::vector<std::pair<int, model::Spread>>& points, double goal, const Which& which) {
  for (std::size_t index = 0; index < points.size(); ++index) {
    const double here = which(points[index].second);
    if (here < goal) continue;
    if (index == 0) return points[index].first;
    const auto& [before, spread] = points[index - 1];
    const double share = (goal - which(spread)) / (here - which(spread));
    return static_cast<int>(std::lround(before + share * (points[index].first - before)));
  }
  return 0;
}

/// Positions at which one line is `goal` times another; nothing where that does not come with more positions.
std::optional<double> linesReach(double goal, const Line& slow, const Line& fast) {
  const double gained = slow.slope - goal * fast.slope;
  const double missing = goal * fast.intercept - slow.intercept;
  return gained > 0.0 ? std::optional(missing / gained) : std::nullopt;
}

}  // namespace

bool SpeedCurve::isOf(const SpeedCurve& other) const {
  return name == other.name && source == other.source && kernel == other.kernel && kvType == other.kvType;
}

SpeedCurve emptyCurve(std::string name, std::string source, const model::ModelConfig& config,
                      model::AttentionKernel kernel, model::KvType kvType) {
  return {.name = std::move(name),
          .source = std::move(source),
          .layerCount = config.layerCount,
          .attention = config.attention,
          .kernel = kernel,
          .kvType = kvType,
          .trainedContext = config.contextLength};
}

void SpeedMap::add(const SpeedCurve& curve, SpeedPoint point) {
  auto found = std::ranges::find_if(curves, [&](const SpeedCurve& known) { return known.isOf(curve); });
  if (found == curves.end()) found = curves.insert(curves.end(), curve);
  found->points.push_back(std::move(point));
}

const SpeedPoint* SpeedCurve::find(const OperatingPoint& at) const {
  const auto found = std::ranges::find(points, at, &SpeedPoint::at);
  return found == points.end() || found->roundMs.empty() ? nullptr : &*found;
}

std::string SpeedCurve::title() const {
  std::string title = name;
  if (kvType == model::KvType::F16) title += " f16";
  if (kernel == model::AttentionKernel::Naive)
    title = text::inWords<model::SentenceId::CurveOfNaiveKernel>(title);
  return title;
}

bool sameShape(int layerCount, const model::AttentionShape& heads, int otherLayerCount,
               const model::AttentionShape& otherHeads) {
  return layerCount == otherLayerCount && heads.queryHeadCount == otherHeads.queryHeadCount &&
         heads.headDim == otherHeads.headDim;
}

bool runsAs(const SpeedCurve& curve, model::AttentionKernel kernel) {
  return curve.kernel == kernel || curve.attention.groupSize() == 1;
}

bool comparable(const SpeedCurve& slow, const SpeedCurve& fast) {
  return sameShape(slow.layerCount, slow.attention, fast.layerCount, fast.attention) &&
         runsAs(slow, fast.kernel) && slow.kvType == fast.kvType &&
         slow.attention.kvHeadCount > fast.attention.kvHeadCount;
}

model::Spread speedupOfRounds(std::span<const double> slowMs, std::span<const double> fastMs) {
  std::vector<double> ratios;
  for (std::size_t round = 0; round < std::min(slowMs.size(), fastMs.size()); ++round)
    ratios.push_back(slowMs[round] / fastMs[round]);
  return model::spreadOf(std::move(ratios));
}

std::optional<model::Spread> measuredSpeedup(const SpeedCurve& slow, const SpeedCurve& fast,
                                             const OperatingPoint& at) {
  const SpeedPoint* a = slow.find(at);
  const SpeedPoint* b = fast.find(at);
  if (a == nullptr || b == nullptr) return std::nullopt;
  // The quotient of the times that are shown; how far rounds lie apart, which are taken in turns.
  model::Spread speedup = speedupOfRounds(a->roundMs, b->roundMs);
  speedup.median = a->stepMs().median / b->stepMs().median;
  speedup.minimum = std::min(speedup.minimum, speedup.median);
  speedup.maximum = std::max(speedup.maximum, speedup.median);
  return speedup;
}

std::optional<Crossing> crossing(double goal, const SpeedCurve& slow, const SpeedCurve& fast, int batch) {
  const auto points = speedups(slow, fast, batch);
  if (points.empty()) return std::nullopt;
  Crossing found{
      .at = {batch, firstReach(points, goal, [](const model::Spread& spread) { return spread.median; })},
      .low = firstReach(points, goal, [](const model::Spread& spread) { return spread.maximum; }),
      .high = firstReach(points, goal, [](const model::Spread& spread) { return spread.minimum; })};
  const auto slowLine = contextLine(slow, batch), fastLine = contextLine(fast, batch);
  if (slowLine && fastLine) {
    const std::optional<double> reached = linesReach(goal, *slowLine, *fastLine);
    if (!reached || *reached > points.back().first) return std::nullopt;
    found.at.positions = std::max(points.front().first, static_cast<int>(std::lround(*reached)));
    found.low = found.low == 0 ? found.at.positions : std::min(found.low, found.at.positions);
    if (found.high != 0) found.high = std::max(found.high, found.at.positions);
  }
  return found.at.positions == 0 ? std::nullopt : std::optional(found);
}

std::string crossingText(const Crossing& crossing) {
  const std::string at = model::groupDigits(crossing.at.positions);
  const std::string low = model::groupDigits(crossing.low);
  if (crossing.high == 0) return at + " (" + low + " or more)";
  if (crossing.low == crossing.at.positions && crossing.high == crossing.at.positions) return at;
  return at + " (" + low + " to " + model::groupDigits(crossing.high) + ")";
}

std::optional<Line> contextLine(const SpeedCurve& curve, int batch) {
  std::vector<LinePoint> points;
  for (const SpeedPoint& point : curve.points) {
    if (point.at.batch == batch && !point.roundMs.empty())
      points.push_back({static_cast<double>(point.at.positions), point.stepMs().median});
  }
  return points.size() < 3 ? std::nullopt : robustLine(points);
}

bool hasLines(const SpeedMap& map) {
  const auto hasLine = [](const SpeedCurve& curve) {
    return !curve.points.empty() && contextLine(curve, curve.points.front().at.batch);
  };
  return !map.curves.empty() && std::ranges::all_of(map.curves, hasLine);
}

}  // namespace headroom::analysis
