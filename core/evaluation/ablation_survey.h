#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/evaluation/ablation.h"
#include "core/evaluation/distribution_change.h"

namespace headroom::evaluation {

/// A head to take away or change, of the survey's unit.
struct AblatedHead {
  int layer = 0;
  int head = 0;

  bool operator==(const AblatedHead&) const = default;
};

/// How much worse a model predicts a text without each of its heads, or with something else in its place:
/// wherever "without" is said below, that is meant.
struct AblationSurvey {
  struct Head {
    int layer = 0;
    int head = 0;                ///< of the unit
    double change = 0.0;         ///< of the mean loss, nats per token, without the head less with it
    double standardError = 0.0;  ///< of the mean of the tokens' own differences
    bool withinNoise = false;    ///< not larger than Noise::mean: no change was seen
    /// From with all heads to without the head; where it is asked for.
    std::optional<DistributionChange> effects = {};
  };
  /// How far the loss of a token moves when nothing but the split of the text into steps changes, which
  /// orders sums otherwise: absolute differences, nats, and never less than floats there lie apart.
  struct Noise {
    double mean = 0.0;
    double largest = 0.0;
    int blockTokens = 0;  ///< tokens of a step in the other split
  };

  AblationUnit unit = AblationUnit::QueryHead;
  HeadReplacement replacement = {};  ///< of each head; means are of the text, measured first
  bool measuresEffects = false;    ///< also what becomes of distributions; whole logits are read back for it
  std::vector<AblatedHead> asked;  ///< what is measured, in this order; empty: every head, by layer
  std::vector<float> baseline;     ///< with all heads, of each token but the first, nats; empty: not read yet
  int windows = 0;                 ///< of the text, see readText()
  std::optional<Noise> noise;
  /// From one split into steps to the other, and a divergence of as much as floats there can tell apart.
  std::optional<DistributionChange> effectNoise;
  std::int64_t effectPositions = 0;  ///< over which effects are means, see KeptDistributions
  std::int64_t effectStride = 1;     ///< predicted tokens for each of these
  std::vector<Head> heads;           ///< in the order in which they are asked about: those measured until now
  bool isWhole = false;              ///< every head that is asked about is measured
};

/// Reads `text` for the means where they are wanted, with all heads, once more split otherwise, and then
/// without each head, by windows as long as the decoder's context. `survey` has what is asked, and is empty
/// besides or what an earlier call of the same decoder and text left there, also where more is asked now: it
/// goes on from the first head that is not measured. Whatever ends it, heads that were measured stay in
/// `survey`, where `progress` finds them too; the decoder is left empty and unchanged. Throws model::Error
/// for a text without two tokens, a decoder that cannot change heads, and a `survey` of another text or
/// model, or without the effects that are asked for. Where effects are, going on reads the text with all
/// heads again.
void surveyAblation(model::Decoder& decoder, std::span<const int> text, AblationSurvey& survey,
                    const StopRequest& stop, const SurveyProgress& progress);

}  // namespace headroom::evaluation
