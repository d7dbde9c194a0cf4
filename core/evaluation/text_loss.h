#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/evaluation/survey_watch.h"
#include "core/model/decoder.h"

namespace headroom::evaluation {

/// What a model's guesses at the tokens of a text cost.
struct TextLoss {
  std::vector<float> nats;  ///< -ln of the probability of each token but the first, in their order
  int windows = 0;          ///< parts of the text that were begun, each from an empty cache
  bool isWhole = false;     ///< not stopped: every token but the first was predicted
};

/// The logits that a token of a text was predicted from.
struct PredictedRow {
  std::int64_t index = 0;         ///< of the token, counted from the second of the text
  int target = 0;                 ///< its id
  std::span<const float> logits;  ///< [vocabSize], gone after the call that tells of them
  double logSumExp = 0.0;  ///< ln of the sum of all exp(logit): the loss is that less the target's logit
};
/// Told of each, in their order.
using KeepPrediction = std::function<void(const PredictedRow&)>;
/// Rows of a step at most whose logits are handed back: 33 MB of a vocabulary of 128,256.
inline constexpr int kMostWholeRows = 64;

/// Reads `text` in the decoder's first sequence, by windows as long as its context, each from an empty cache;
/// the first token of a window is predicted from the window before. At most `blockTokens` tokens are fed at
/// once. What was read before a stop counts. Where there is a `keep`, whole logits come back, of at most
/// kMostWholeRows tokens at once, and losses are computed from them in double instead of where the logits
/// are. Every sequence is left empty, also when an exception passes. Throws model::Error for a text that
/// requireLossText() refuses, and what the decoder throws.
TextLoss readText(model::Decoder& decoder, std::span<const int> text, int blockTokens,
                  const StopRequest& stop, const SurveyProgress& progress = {},
                  const KeepPrediction& keep = {});

/// Throws model::Error unless `text` has a token to read and one to predict, all of the vocabulary.
void requireLossText(const model::Decoder& decoder, std::span<const int> text);

}  // namespace headroom::evaluation
