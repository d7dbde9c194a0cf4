#include "core/text/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::text {

namespace {
// ChatML, Llama 3 and 4, Phi-3, Gemma, GPT-2, Granite, GPT-OSS, Kimi, DeepSeek, Command R, SmolVLM.
constexpr auto kTurnEnds = std::to_array<std::string_view>({
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|eot|>",
    "<|eom|>",
    "<|end|>",
    "<end_of_turn>",
    "<turn|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|return|>",
    "<|call|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
    "<|END_OF_TURN_TOKEN|>",
    "<end_of_utterance>",
});
}  // namespace

void requireTokens(const std::vector<int>& tokens, std::string_view what, std::size_t vocabSize) {
  for (int token : tokens) {
    if (token >= -1 && token < static_cast<int>(vocabSize)) continue;
    throw model::Error(
        fmt::format("The tokenizer's {} token is {}, expected less than {}", what, token, vocabSize));
  }
}

std::optional<std::pair<std::string_view, std::string_view>> mergeSides(std::string_view merge) {
  const std::size_t space = merge.find(' ', 1);
  if (space == std::string_view::npos || space + 1 >= merge.size()) return std::nullopt;
  return std::pair(merge.substr(0, space), merge.substr(space + 1));
}

void addMerge(const std::string& merge, int rank, const std::unordered_map<std::string_view, int>& tokenOf,
              MergeTable& merges) {
  const auto sides = mergeSides(merge);
  if (!sides) {
    throw model::Error(
        fmt::format("Merge {} of the tokenizer is {}, expected two tokens with a space between them", rank,
                    quotedName(merge)));
  }
  const auto left = tokenOf.find(sides->first);
  const auto right = tokenOf.find(sides->second);
  const auto merged = tokenOf.find(std::string(sides->first).append(sides->second));
  // Vocabularies that were cut down keep merges whose tokens are gone; such a merge can never apply.
  if (left == tokenOf.end() || right == tokenOf.end() || merged == tokenOf.end()) return;
  merges.add(left->second, right->second, rank, merged->second);
}

void appendUnknown(std::string_view characters, std::span<const int, 256> byteTokens, int unknownToken,
                   std::vector<int>& tokens) {
  const auto tokenOf = [&](char byte) { return byteTokens[static_cast<unsigned char>(byte)]; };
  if (std::ranges::all_of(characters, [&](char byte) { return tokenOf(byte) >= 0; })) {
    for (char byte : characters) tokens.push_back(tokenOf(byte));
  } else if (unknownToken >= 0) {
    tokens.push_back(unknownToken);
  } else {
    throw model::Error(fmt::format("The vocabulary has no token for {}, so this text has no encoding",
                                   quotedName(characters)));
  }
}

std::vector<int> endOfTurnTokens(const std::vector<std::string>& tokens,
                                 const std::vector<TokenType>& types) {
  std::vector<int> found;
  int messageEnd = -1;
  bool hasReturn = false;
  bool hasCall = false;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (types[i] != TokenType::Control) continue;
    if (std::find(kTurnEnds.begin(), kTurnEnds.end(), tokens[i]) == kTurnEnds.end()) continue;
    found.push_back(static_cast<int>(i));
    if (tokens[i] == "<|end|>") messageEnd = static_cast<int>(i);
    hasReturn = hasReturn || tokens[i] == "<|return|>";
    hasCall = hasCall || tokens[i] == "<|call|>";
  }
  // GPT-OSS ends one message of several with <|end|>, and its turn with one of the other two.
  if (hasReturn && hasCall) std::erase(found, messageEnd);
  return found;
}

}  // namespace headroom::text
