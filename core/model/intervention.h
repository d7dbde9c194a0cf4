#pragma once

#include <compare>
#include <span>
#include <string>
#include <vector>

#include "core/model/config.h"

namespace headroom::model {

/// Where a head's weights of the values come from.
enum class AttentionPattern {
  Computed,       ///< from its queries and keys, as always
  PreviousToken,  ///< all on the position before; of the first position on itself
  Uniform,        ///< the same on every position that the layer sees
  FirstToken,     ///< all on position 0
  Given,          ///< HeadIntervention::weights
};

/// Changes what one query head gives to W_O: gain * (its weights of the values) + offset. Attention rows that
/// are captured stay those that were computed.
struct HeadIntervention {
  int layer = 0;
  int queryHead = 0;
  AttentionPattern pattern = AttentionPattern::Computed;
  std::vector<float> weights = {};  ///< of Given: of positions 0, 1, ... for every row; 0 behind its end
  std::vector<float> gain = {};     ///< [headDim]; empty: 1
  std::vector<float> offset = {};   ///< [headDim]; empty: 0

  /// Takes the head away, or leaves `mean`, [headDim], in its place.
  static HeadIntervention ablation(int layer, int queryHead, const ModelConfig& config,
                                   std::vector<float> mean = {});
};

/// A query head of a model.
struct HeadPlace {
  int layer = 0;
  int queryHead = 0;

  auto operator<=>(const HeadPlace&) const = default;
};

/// "L4H2", layers and heads counted from 0.
std::string headName(const HeadPlace& head);
/// The query heads that read a KV head of a layer.
std::vector<HeadPlace> headsOfGroup(int layer, int kvHead, const AttentionShape& attention);
/// Throws Error when one of them is of no head of the model, a head has two, or a vector has another length.
void checkInterventions(std::span<const HeadIntervention> interventions, const ModelConfig& config);

}  // namespace headroom::model
