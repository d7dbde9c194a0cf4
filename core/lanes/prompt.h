#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/lanes/lane.h"
#include "core/lanes/lane_set.h"

namespace headroom::lanes {

/// What a prompt is.
enum class PromptForm {
  Text,  ///< a text to go on from
  Chat,  ///< a user's message, put into the model's own chat template
  Ids,   ///< token ids, "1, 2, 3", fed as they are
};

/// The longest text of one, in bytes: that of the longest context that any model is made for fits.
inline constexpr std::size_t kMostPromptBytes = 16u << 20;

struct Prompt {
  std::string text;
  PromptForm form = PromptForm::Text;
  std::string system = {};  ///< system message of a chat; empty for none

  bool operator==(const Prompt&) const = default;
};

/// Token ids of a prompt for a model: its begin token where it has one, then the text, as it is or in the
/// model's chat template, for which it has a tokenizer; or just the ids that the prompt lists. Throws
/// model::Error when the chat template is of no known family, or nothing is left to feed.
std::vector<int> promptIds(const Prompt& prompt, const model::Model& model);

/// What follows a text's end: as chosen, but an answer in a chat ends.
WhenTextEnds whenTextEnds(PromptForm form, WhenTextEnds chosen);

/// Token ids that start a lane's text: promptIds(), or, for a trace, its own prompt. A model without a
/// tokenizer takes the prompt as ids. Whether they are of the vocabulary and fit the context, LaneSet checks.
std::vector<int> promptTokens(const Prompt& prompt, const LaneEngine& engine);

/// `positions` tokens: the prompt's, then a space and its text (without the begin token) again and again.
/// Never fewer than the prompt has.
std::vector<int> filledTokens(std::vector<int> prompt, const LaneEngine& engine, int positions);

/// Whether the same id means the same text in both, so that one can be fed what the other chose.
bool sameVocabulary(const LaneEngine& a, const LaneEngine& b);

}  // namespace headroom::lanes
