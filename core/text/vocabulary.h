#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/text/merge_table.h"
#include "core/text/token_type.h"

namespace headroom::text {

/// What the vocabularies of all tokenizers have in common.

/// Throws model::Error when one of `tokens`, called `what` in the message, is neither -1 nor less than
/// `vocabSize`.
void requireTokens(const std::vector<int>& tokens, std::string_view what, std::size_t vocabSize);

/// The two spellings of a merge "left right", which have no space in them; nothing when it is no such pair.
std::optional<std::pair<std::string_view, std::string_view>> mergeSides(std::string_view merge);

/// Adds the merge "left right" of that rank between tokens of `tokenOf`, by spelling. Throws model::Error
/// when it is no such pair.
void addMerge(const std::string& merge, int rank, const std::unordered_map<std::string_view, int>& tokenOf,
              MergeTable& merges);

/// Appends the byte tokens of `characters`, which have none of their own, or the unknown token; `byteTokens`
/// are -1 where there are none. Throws model::Error when there is neither.
void appendUnknown(std::string_view characters, std::span<const int, 256> byteTokens, int unknownToken,
                   std::vector<int>& tokens);

/// The control tokens of a vocabulary that end a text or a turn of a chat in one of the known families:
/// "<|im_end|>", "<|eot_id|>", "<end_of_turn>", ... `types` has one entry per token, or none.
std::vector<int> endOfTurnTokens(const std::vector<std::string>& tokens, const std::vector<TokenType>& types);

}  // namespace headroom::text
