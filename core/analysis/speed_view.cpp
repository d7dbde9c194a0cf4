#include "core/analysis/speed_view.h"

#include <algorithm>

#include "core/analysis/trained_context.h"

namespace headroom::analysis {

SpeedView speedView(const SpeedMap& map, SpeedOver over) {
  SpeedView view;
  view.samples.resize(map.curves.size());
  if (map.curves.empty() || map.curves.front().points.empty()) return view;
  const std::vector<SpeedPoint>& points = map.curves.front().points;
  view.batch = points.front().at.batch;
  view.positions = points.front().at.positions;
  for (const SpeedPoint& point : points) {
    if (point.at.batch != view.batch) view.positions = point.at.positions;
  }
  for (std::size_t curve = 0; curve < map.curves.size(); ++curve) {
    std::vector<SpeedSample>& samples = view.samples[curve];
    for (const SpeedPoint& point : map.curves[curve].points) {
      const bool isShown =
          over == SpeedOver::Context ? point.at.batch == view.batch : point.at.positions == view.positions;
      if (!isShown || point.roundMs.empty()) continue;
      const int x = over == SpeedOver::Context ? point.at.positions : point.at.batch;
      samples.push_back({static_cast<double>(x), point.stepMs()});
      view.last = std::max(view.last, samples.back().x);
    }
    std::ranges::sort(samples, {}, &SpeedSample::x);
    const int trained = map.curves[curve].trainedContext;
    const bool isBeyond = trained > 0 && !samples.empty() && samples.back().x > trained;
    if (over == SpeedOver::Context && isBeyond) view.untrainedFrom = earlierOf(view.untrainedFrom, trained);
  }
  return view;
}

std::vector<CurveCrossing> crossingsAt(const SpeedMap& map, int batch) {
  std::vector<CurveCrossing> crossings;
  for (std::size_t index = 0; index < map.curves.size(); ++index) {
    const SpeedCurve& fast = map.curves[index];
    if (fast.kernel != model::AttentionKernel::Shared) continue;
    const SpeedCurve* slow = nullptr;
    for (const SpeedCurve& curve : map.curves) {
      const bool hasMore = !slow || curve.attention.kvHeadCount > slow->attention.kvHeadCount;
      if (comparable(curve, fast) && hasMore) slow = &curve;
    }
    if (!slow) continue;
    const auto against = static_cast<std::size_t>(slow - map.curves.data());
    for (const double goal : kCrossings) {
      if (const auto found = crossing(goal, *slow, fast, batch))
        crossings.push_back({index, against, goal, *found});
    }
  }
  return crossings;
}

}  // namespace headroom::analysis
