#include "core/model/intervention.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "core/model/error.h"
#include "core/model/whole_number.h"

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

std::string nameWithout(std::string_view name, std::span<const HeadPlace> heads) {
  if (heads.size() > 2) return fmt::format("{} \u2212{} heads", name, heads.size());
  std::string without(name);
  for (const HeadPlace& head : heads) without += " \u2212" + headName(head);
  return without;
}

std::vector<HeadPlace> headsOfGroup(int layer, int kvHead, const AttentionShape& attention) {
  std::vector<HeadPlace> heads;
  for (int head = 0; head < attention.queryHeadCount; ++head) {
    if (attention.kvHeadOf(head) == kvHead) heads.push_back({layer, head});
  }
  return heads;
}

std::vector<HeadPlace> headsNamed(std::string_view names, const ModelConfig& config) {
  const AttentionShape& attention = config.attention;
  std::set<HeadPlace> heads;
  while (true) {
    const std::string_view name = names.substr(0, names.find(','));
    const std::size_t letter = name.find_first_of("HK", 1);
    const bool isGroup = letter != std::string_view::npos && name.substr(letter).starts_with("KV");
    std::optional<int> layer, index;
    if (name.starts_with('L') && letter != std::string_view::npos) {
      layer = wholeNumber(name.substr(1, letter - 1));
      index = wholeNumber(name.substr(letter + (isGroup ? 2 : 1)));
    }
    const int count = isGroup ? attention.kvHeadCount : attention.queryHeadCount;
    if (!layer || !index || *layer < 0 || *layer >= config.layerCount || *index < 0 || *index >= count) {
      throw Error(
          fmt::format("There is no head {}, expected L0H0 to L{}H{} or, with all that read it, L0KV0 to "
                      "L{}KV{}",
                      name.empty() ? "without a name" : name, config.layerCount - 1,
                      attention.queryHeadCount - 1, config.layerCount - 1, attention.kvHeadCount - 1));
    }
    if (isGroup) {
      const std::vector<HeadPlace> group = headsOfGroup(*layer, *index, attention);
      heads.insert(group.begin(), group.end());
    } else {
      heads.insert({*layer, *index});
    }
    if (name.size() == names.size()) break;
    names.remove_prefix(name.size() + 1);
  }
  return {heads.begin(), heads.end()};
}

std::vector<HeadIntervention> ablations(std::span<const HeadPlace> heads, const ModelConfig& config) {
  std::vector<HeadIntervention> changes;
  for (const HeadPlace& head : heads)
    changes.push_back(HeadIntervention::ablation(head.layer, head.queryHead, config));
  return changes;
}

}  // namespace headroom::model
