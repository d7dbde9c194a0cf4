#include "core/analysis/compared_lanes.h"

#include <algorithm>
#include <functional>

namespace headroom::analysis {

namespace {

bool alike(const LaneMeasurement& a, const LaneMeasurement& b) {
  return sameShape(a.config.layerCount, a.config.attention, b.config.layerCount, b.config.attention) &&
         a.options.kvType == b.options.kvType && a.options.batch == b.options.batch &&
         (!a.measured() || !b.measured() || a.ranOnDevice() == b.ranOnDevice());
}

}  // namespace

ComparedLanes comparedLanes(std::span<const JudgedLane> lanes) {
  const auto of = [&](int lane) -> const LaneMeasurement& {
    return lanes[static_cast<std::size_t>(lane)].measurement;
  };
  const auto heads = [&](int lane) { return of(lane).config.attention.kvHeadCount; };
  ComparedLanes best;
  for (int first = 0; first < std::ssize(lanes); ++first) {
    ComparedLanes layouts{.lanes = {first}};
    ComparedLanes kernels{.lanes = {first}, .ofKernels = true};
    for (int other = 0; other < std::ssize(lanes); ++other) {
      if (other == first || !alike(of(first), of(other))) continue;
      const bool sameKernel = of(first).options.attention == of(other).options.attention;
      if (sameKernel && heads(other) < heads(first)) layouts.lanes.push_back(other);
      const bool isNaive = of(first).options.attention == model::AttentionKernel::Naive;
      if (!sameKernel && isNaive && heads(other) == heads(first) &&
          lanes[static_cast<std::size_t>(other)].source == lanes[static_cast<std::size_t>(first)].source) {
        kernels.lanes.push_back(other);
      }
    }
    for (ComparedLanes* group : {&layouts, &kernels}) {
      std::ranges::stable_sort(group->lanes, std::ranges::greater(), heads);
      if (group->ofKernels) std::ranges::rotate(group->lanes, std::ranges::find(group->lanes, first));
      if (group->lanes.size() > best.lanes.size()) best = *group;
    }
  }
  return best;
}

}  // namespace headroom::analysis
