#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/model/decoder.h"
#include "core/model/model.h"

namespace headroom::evaluation {

/// The logit of a token, or where there is another its logit less the other's.
struct LogitQuestion {
  int token = 0;
  std::optional<int> other = {};
};

/// What the parts of a model add to a logit at one position, directly: through the residual stream, the last
/// norm and the output matrix, not by way of later layers (direct logit attribution; Elhage et al. 2021,
/// Wang et al. 2022). The last norm divides by what it divides the whole stream by, which makes it linear; so
/// does a norm behind attention. All parts together are `total`.
struct LogitAttribution {
  double embedding = 0.0;  ///< of the token, with its position's where positions are learned
  int queryHeadCount = 0;
  std::vector<double> heads;          ///< [layers][query heads], through W_O without its bias
  std::vector<double> attentionBias;  ///< [layers] of W_O; 0 where a model has none
  std::vector<double> mlp;            ///< [layers], with its biases: what a layer adds besides attention
  double outputBias = 0.0;            ///< of the last norm and of the output matrix
  double total = 0.0;                 ///< the logit before a soft cap, of the whole residual stream
  float softCap = 0.0f;               ///< the model says cap * tanh(logit / cap) of each; 0: the logits

  double head(int layer, int queryHead) const {
    return heads[static_cast<std::size_t>(layer) * static_cast<std::size_t>(queryHeadCount) +
                 static_cast<std::size_t>(queryHead)];
  }
  /// Of all parts, to be compared with `total`.
  double sum() const;
};

/// Feeds `tokens` up to `position` and attributes what comes next there. The decoder hands back the residual
/// stream and the heads' outputs of that position; what they add is computed in float64. It is left empty,
/// also when an exception passes. `model` is the one that it decodes. Throws model::Error for tokens that do
/// not fit the decoder, a position that is not theirs, a question about a token that is not the model's, and
/// logits that are not finite.
LogitAttribution attributeLogit(model::Decoder& decoder, const model::Model& model,
                                std::span<const int> tokens, int position, const LogitQuestion& question);

}  // namespace headroom::evaluation
