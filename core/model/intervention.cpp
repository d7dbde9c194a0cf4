#include "core/model/intervention.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/model/error.h"

namespace headroom::model {

HeadIntervention HeadIntervention::ablation(int layer, int queryHead, const ModelConfig& config,
                                            std::vector<float> mean) {
  return {.layer = layer,
          .queryHead = queryHead,
          .gain = std::vector<float>(static_cast<std::size_t>(config.attention.headDim)),
          .offset = std::move(mean)};
}

void checkInterventions(std::span<const HeadIntervention> interventions, const ModelConfig& config) {
  std::set<std::pair<int, int>> seen;
  for (const HeadIntervention& change : interventions) {
    const int heads = config.attention.queryHeadCount;
    if (change.layer < 0 || change.layer >= config.layerCount || change.queryHead < 0 ||
        change.queryHead >= heads) {
      throw Error(
          fmt::format("Head {} of layer {} was to be changed, expected heads 0 to {} of layers 0 to {}.",
                      change.queryHead, change.layer, heads - 1, config.layerCount - 1));
    }
    if (!seen.emplace(change.layer, change.queryHead).second) {
      throw Error(fmt::format("Head {} of layer {} was to be changed twice, expected once.", change.queryHead,
                              change.layer));
    }
    const auto headDim = static_cast<std::size_t>(config.attention.headDim);
    for (const std::vector<float>* vector : {&change.gain, &change.offset}) {
      if (vector->empty() || vector->size() == headDim) continue;
      throw Error(
          fmt::format("Head {} of layer {} was to be changed by a vector of {} elements, expected {}.",
                      change.queryHead, change.layer, vector->size(), headDim));
    }
  }
}

std::string headName(const HeadPlace& head) {
  return fmt::format("L{}H{}", head.layer, head.queryHead);
}

std::vector<HeadPlace> headsOfGroup(int layer, int kvHead, const AttentionShape& attention) {
  std::vector<HeadPlace> heads;
  for (int head = 0; head < attention.queryHeadCount; ++head) {
    if (attention.kvHeadOf(head) == kvHead) heads.push_back({layer, head});
  }
  return heads;
}

}  // namespace headroom::model
