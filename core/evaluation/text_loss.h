#pragma once

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

/// Reads `text` in the decoder's first sequence, by windows as long as its context, each from an empty cache;
/// the first token of a window is predicted from the window before. At most `blockTokens` tokens are fed at
/// once. What was read before a stop counts. Every sequence is left empty, also when an exception passes.
/// Throws model::Error for a text that requireLossText() refuses, and what the decoder throws.
TextLoss readText(model::Decoder& decoder, std::span<const int> text, int blockTokens,
                  const StopRequest& stop, const SurveyProgress& progress = {});

/// Throws model::Error unless `text` has a token to read and one to predict, all of the vocabulary.
void requireLossText(const model::Decoder& decoder, std::span<const int> text);

}  // namespace headroom::evaluation
