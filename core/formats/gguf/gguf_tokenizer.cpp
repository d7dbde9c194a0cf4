#include "core/formats/gguf/gguf_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/model/error.h"
#include "core/text/byte_level_bpe.h"
#include "core/text/pre_tokenizer_families.h"
#include "core/text/sentencepiece_bpe.h"
#include "core/text/unigram.h"
#include "core/text/utf8.h"
#include "core/text/vocabulary.h"

namespace headroom::formats {

namespace {
using model::Error;
using Integers = std::vector<std::int64_t>;

std::vector<std::string> requiredTexts(const GgufFile& file, std::string_view key) {
  auto list = file.texts(key);
  if (!list) throw Error(fmt::format("metadata key \"{}\" is missing; this tokenizer needs it", key));
  return std::move(*list);
}

std::vector<text::TokenType> readTokenTypes(const GgufFile& file) {
  std::vector<text::TokenType> types;
  const auto numbers = file.integers("tokenizer.ggml.token_type");
  if (!numbers) return types;
  types.reserve(numbers->size());
  for (std::int64_t number : *numbers) {
    if (number < 1 || number > 6) {
      throw Error(fmt::format("token type {} of token {}, expected 1 to 6", number, types.size()));
    }
    types.push_back(static_cast<text::TokenType>(number));
  }
  return types;
}

void requireTypePerToken(const std::vector<std::string>& tokens, const std::vector<text::TokenType>& types) {
  if (types.empty() || types.size() == tokens.size()) return;
  throw Error(fmt::format("the tokenizer has {} token types for {} tokens", types.size(), tokens.size()));
}

/// A special token's id, or -1 when the key is missing.
int readSpecial(const GgufFile& file, std::string_view key, std::size_t vocabulary) {
  const auto id = file.integer(key);
  if (!id) return -1;
  if (*id < 0 || *id >= static_cast<std::int64_t>(vocabulary)) {
    throw Error(fmt::format("{} is {}, expected less than the {} tokens", key, *id, vocabulary));
  }
  return static_cast<int>(*id);
}

/// The tokens besides the end token that end a text: those that the file names, and those of known names.
std::vector<int> readTurnEnds(const GgufFile& file, const std::vector<std::string>& tokens,
                              const std::vector<text::TokenType>& types) {
  std::vector<int> ends = text::endOfTurnTokens(tokens, types);
  for (std::string_view key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    const int token = readSpecial(file, key, tokens.size());
    if (token >= 0) ends.push_back(token);
  }
  return ends;
}

/// GGUF has no place for what strips white space; of the published models with such tokens in GGUF files
/// only the Phi-3 ones matter to decoders, and their names tell them.
text::TokenStripping readStripping(const GgufFile& file, const std::vector<std::string>& tokens,
                                   const std::vector<text::TokenType>& types) {
  std::string name = file.text("general.name").value_or("");
  for (char& letter : name) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  if (name.find("phi-3") == std::string::npos && name.find("phi3") == std::string::npos) return {};
  text::TokenStripping stripping;
  for (std::size_t i = 0; i < types.size(); ++i) {
    using text::TokenType;
    if (types[i] != TokenType::Control && types[i] != TokenType::UserDefined) continue;
    if (tokens[i] == "<s>" || tokens[i] == "<|endoftext|>") continue;
    stripping.right.push_back(static_cast<int>(i));
  }
  return stripping;
}

/// The begin token where texts start with it, else -1.
int readBegin(const GgufFile& file, std::size_t vocabulary, bool familyAddsIt) {
  const int begin = readSpecial(file, "tokenizer.ggml.bos_token_id", vocabulary);
  return file.boolean("tokenizer.ggml.add_bos_token").value_or(familyAddsIt) ? begin : -1;
}

std::unique_ptr<model::Tokenizer> readByteLevelBpe(const GgufFile& file, const std::string& family) {
  text::ByteLevelBpeData data;
  data.preTokenizer = family;
  const text::PreTokenizerFamily& rules = text::preTokenizerFamily(family);
  data.tokens = requiredTexts(file, "tokenizer.ggml.tokens");
  data.merges = requiredTexts(file, "tokenizer.ggml.merges");
  data.tokenTypes = readTokenTypes(file);
  data.beginToken = readBegin(file, data.tokens.size(), rules.addsBeginToken);
  data.endToken = readSpecial(file, "tokenizer.ggml.eos_token_id", data.tokens.size());
  requireTypePerToken(data.tokens, data.tokenTypes);
  data.turnEndTokens = readTurnEnds(file, data.tokens, data.tokenTypes);
  data.stripping = readStripping(file, data.tokens, data.tokenTypes);
  return std::make_unique<text::ByteLevelBpe>(std::move(data));
}

std::vector<float> readScores(const GgufFile& file) {
  const auto numbers = file.numbers("tokenizer.ggml.scores");
  if (!numbers) throw Error("metadata key \"tokenizer.ggml.scores\" is missing; this tokenizer needs it");
  const std::vector<float> scores(numbers->begin(), numbers->end());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) throw Error(fmt::format("the score of token {} is not a number", i));
  }
  return scores;
}

/// What merges of a SentencePiece vocabulary go by.
enum class MergeOrder { Scores, Ranks };

std::unique_ptr<model::Tokenizer> readSentencePieceBpe(const GgufFile& file, MergeOrder order) {
  text::SentencePieceBpeData data;
  data.tokens = requiredTexts(file, "tokenizer.ggml.tokens");
  data.tokenTypes = readTokenTypes(file);
  if (order == MergeOrder::Scores) {
    data.scores = readScores(file);
  } else {
    data.merges = requiredTexts(file, "tokenizer.ggml.merges");
    data.splitsAtLineBreaks = true;
    text::markByteTokens(data.tokens, data.tokenTypes);
  }
  data.beginToken = readBegin(file, data.tokens.size(), true);
  data.endToken = readSpecial(file, "tokenizer.ggml.eos_token_id", data.tokens.size());
  data.unknownToken = readSpecial(file, "tokenizer.ggml.unknown_token_id", data.tokens.size());
  data.addSpacePrefix = file.boolean("tokenizer.ggml.add_space_prefix").value_or(order == MergeOrder::Scores);
  requireTypePerToken(data.tokens, data.tokenTypes);
  data.turnEndTokens = readTurnEnds(file, data.tokens, data.tokenTypes);
  data.stripping = readStripping(file, data.tokens, data.tokenTypes);
  return std::make_unique<text::SentencePieceBpe>(std::move(data));
}

std::unique_ptr<model::Tokenizer> readUnigram(const GgufFile& file) {
  text::UnigramData data;
  data.tokens = requiredTexts(file, "tokenizer.ggml.tokens");
  data.tokenTypes = readTokenTypes(file);
  const std::vector<float> scores = readScores(file);
  data.scores.assign(scores.begin(), scores.end());
  data.beginToken = readBegin(file, data.tokens.size(), false);
  data.endToken = readSpecial(file, "tokenizer.ggml.eos_token_id", data.tokens.size());
  data.unknownToken = readSpecial(file, "tokenizer.ggml.unknown_token_id", data.tokens.size());
  const bool addsPrefix = file.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  data.spacePrefix = addsPrefix ? text::SpacePrefix::EveryPart : text::SpacePrefix::None;
  data.removesExtraSpaces = file.boolean("tokenizer.ggml.remove_extra_whitespaces").value_or(true);
  for (std::int64_t byte : file.integers("tokenizer.ggml.precompiled_charsmap").value_or(Integers())) {
    if (byte < -128 || byte > 255) {
      throw Error(fmt::format("tokenizer.ggml.precompiled_charsmap has {}, expected bytes", byte));
    }
    data.charsmap.push_back(static_cast<char>(byte));
  }
  requireTypePerToken(data.tokens, data.tokenTypes);
  data.turnEndTokens = readTurnEnds(file, data.tokens, data.tokenTypes);
  return std::make_unique<text::Unigram>(std::move(data));
}

/// Vocabularies that GGUF counts as byte-level BPE, but that spell text as SentencePiece does.
bool spellsLikeSentencePiece(std::string_view family) {
  return family == "gemma4" || family == "sarvam-moe" || family == "granite-embed-multi-311m";
}
}  // namespace

std::unique_ptr<model::Tokenizer> readTokenizer(const GgufFile& file) {
  const auto kind = file.text("tokenizer.ggml.model");
  if (!kind || *kind == "none" || *kind == "no_vocab") return nullptr;
  if (*kind == "llama") return readSentencePieceBpe(file, MergeOrder::Scores);
  if (*kind == "t5") return readUnigram(file);
  if (*kind == "gpt2" || *kind == "gemma4") {
    const std::string family = *kind == "gemma4" ? *kind : file.text("tokenizer.ggml.pre").value_or("gpt-2");
    if (spellsLikeSentencePiece(family)) return readSentencePieceBpe(file, MergeOrder::Ranks);
    return readByteLevelBpe(file, family);
  }
  throw Error(fmt::format("tokenizer kind {} is not supported, expected gpt2, llama, t5 or gemma4",
                          text::quotedName(*kind)));
}

std::string readChatTemplate(const GgufFile& file) {
  return file.text("tokenizer.chat_template").value_or("");
}

std::unique_ptr<model::Tokenizer> loadGgufTokenizer(const std::string& path) {
  const GgufFile file(path);
  std::unique_ptr<model::Tokenizer> tokenizer;
  try {
    tokenizer = readTokenizer(file);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
  if (!tokenizer) throw Error(fmt::format("{}: the file has no tokenizer", path));
  return tokenizer;
}

}  // namespace headroom::formats
