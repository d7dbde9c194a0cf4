#include "core/model/config.h"

#include <algorithm>
#include <cmath>

namespace headroom::model {

std::string_view shortName(AttentionKind kind) {
  switch (kind) {
    case AttentionKind::MultiHead:
      return "MHA";
    case AttentionKind::GroupedQuery:
      return "GQA";
    case AttentionKind::MultiQuery:
      return "MQA";
  }
  return "";
}

std::string headsText(const AttentionShape& heads) {
  return std::to_string(heads.queryHeadCount) + " Q \u2192 " + std::to_string(heads.kvHeadCount) + " KV";
}

std::string_view shortName(KvType type) {
  return type == KvType::F64 ? "f64" : type == KvType::F32 ? "f32" : "f16";
}

AttentionKind AttentionShape::kind() const {
  if (kvHeadCount == queryHeadCount) return AttentionKind::MultiHead;
  return kvHeadCount == 1 ? AttentionKind::MultiQuery : AttentionKind::GroupedQuery;
}

double ModelConfig::scoreScale() const {
  return attentionScale > 0.0f ? static_cast<double>(attentionScale)
                               : 1.0 / std::sqrt(static_cast<double>(attention.headDim));
}

std::int64_t ModelConfig::firstSeen(std::int64_t length, int layer) const {
  const int window = windowOf(layer);
  return window > 0 ? std::max<std::int64_t>(0, length - window) : 0;
}

int ModelConfig::windowOf(int layer) const {
  switch (traits.windows) {
    case Windows::None:
      return 0;
    case Windows::EveryLayer:
      return slidingWindow;
    case Windows::EvenLayers:
      return layer % 2 == 0 ? slidingWindow : 0;
  }
  return 0;
}

int chosenContext(const ModelConfig& config, int chosen) {
  return chosen > 0 ? chosen : config.contextLength;
}

std::uint64_t kvCacheBytes(const ModelConfig& config, KvType type, std::uint64_t positions,
                           std::uint64_t sequences) {
  return 2ull * config.layerCount * config.attention.kvHeadCount * positions * config.attention.headDim *
         bytesPerElement(type) * sequences;
}

}  // namespace headroom::model
