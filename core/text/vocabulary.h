#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/text/token_type.h"

namespace headroom::text {

/// What the vocabularies of all tokenizers have in common.

/// Throws model::Error when one of `tokens`, called `what` in the message, is neither -1 nor less than
/// `vocabSize`.
void requireTokens(const std::vector<int>& tokens, std::string_view what, std::size_t vocabSize);

/// The two spellings of a merge "left right", which have no space in them; nothing when it is no such pair.
std::optional<std::pair<std::string_view, std::string_view>> mergeSides(std::string_view merge);

/// The control tokens of a vocabulary that end a text or a turn of a chat in one of the known families:
/// "<|im_end|>", "<|eot_id|>", "<end_of_turn>", ... `types` has one entry per token, or none.
std::vector<int> endOfTurnTokens(const std::vector<std::string>& tokens, const std::vector<TokenType>& types);

}  // namespace headroom::text
