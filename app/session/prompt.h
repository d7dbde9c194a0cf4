#pragma once

#include <string>
#include <vector>

#include "app/session/lane.h"

namespace headroom::session {

/// Token ids that start a text: the model's begin token where it has one, then the prompt, as it is or as a
/// user's message in the model's chat template; or just the ids that the prompt lists, as always for a model
/// without a tokenizer. Throws
/// model::Error when nothing is left to feed, an id is not in the vocabulary, or the prompt fills the
/// context.
std::vector<int> promptTokens(const std::string& prompt, PromptForm form, const LaneEngine& engine);

/// `positions` tokens: the prompt's, then a space and its text (without the begin token) again and again.
/// Never fewer than the prompt has.
std::vector<int> filledTokens(std::vector<int> prompt, const LaneEngine& engine, int positions);

/// Whether the same id means the same text in both, so that one can be fed what the other chose.
bool sameVocabulary(const LaneEngine& a, const LaneEngine& b);

}  // namespace headroom::session
