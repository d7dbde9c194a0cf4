#include "core/formats/gguf_tokenizer.h"

#include <fmt/format.h>

#include <cmath>

#include "core/model/byte_level_bpe.h"
#include "core/model/error.h"
#include "core/model/sentencepiece_bpe.h"
#include "core/model/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;

std::vector<std::string> requiredTexts(const GgufFile& file, std::string_view key) {
  auto list = file.texts(key);
  if (!list) throw Error(fmt::format("metadata key \"{}\" is missing; this tokenizer needs it", key));
  return std::move(*list);
}

std::vector<model::TokenType> readTokenTypes(const GgufFile& file) {
  std::vector<model::TokenType> types;
  const auto numbers = file.integers("tokenizer.ggml.token_type");
  if (!numbers) return types;
  types.reserve(numbers->size());
  for (std::int64_t number : *numbers) {
    if (number < 1 || number > 6) {
      throw Error(fmt::format("token type {} of token {}, expected 1 to 6", number, types.size()));
    }
    types.push_back(static_cast<model::TokenType>(number));
  }
  return types;
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

std::unique_ptr<model::Tokenizer> readByteLevelBpe(const GgufFile& file) {
  model::ByteLevelBpeData data;
  data.preTokenizer = file.text("tokenizer.ggml.pre").value_or("gpt-2");
  if (data.preTokenizer == "default") data.preTokenizer = "gpt-2";
  if (data.preTokenizer == "llama3" || data.preTokenizer == "llama-v3") data.preTokenizer = "llama-bpe";
  data.tokens = requiredTexts(file, "tokenizer.ggml.tokens");
  data.merges = requiredTexts(file, "tokenizer.ggml.merges");
  data.tokenTypes = readTokenTypes(file);
  const int begin = readSpecial(file, "tokenizer.ggml.bos_token_id", data.tokens.size());
  // Of these families only llama-bpe begins texts with a special token unless the file says otherwise.
  const bool wantsBegin =
      file.boolean("tokenizer.ggml.add_bos_token").value_or(data.preTokenizer == "llama-bpe");
  data.beginToken = wantsBegin ? begin : -1;
  data.endToken = readSpecial(file, "tokenizer.ggml.eos_token_id", data.tokens.size());
  return std::make_unique<model::ByteLevelBpe>(std::move(data));
}

std::unique_ptr<model::Tokenizer> readSentencePieceBpe(const GgufFile& file) {
  model::SentencePieceBpeData data;
  data.tokens = requiredTexts(file, "tokenizer.ggml.tokens");
  const auto scores = file.numbers("tokenizer.ggml.scores");
  if (!scores) throw Error("metadata key \"tokenizer.ggml.scores\" is missing; this tokenizer needs it");
  data.scores.assign(scores->begin(), scores->end());
  for (std::size_t i = 0; i < data.scores.size(); ++i) {
    if (std::isnan(data.scores[i])) throw Error(fmt::format("the score of token {} is not a number", i));
  }
  data.tokenTypes = readTokenTypes(file);
  const int begin = readSpecial(file, "tokenizer.ggml.bos_token_id", data.tokens.size());
  data.beginToken = file.boolean("tokenizer.ggml.add_bos_token").value_or(true) ? begin : -1;
  data.endToken = readSpecial(file, "tokenizer.ggml.eos_token_id", data.tokens.size());
  data.unknownToken = readSpecial(file, "tokenizer.ggml.unknown_token_id", data.tokens.size());
  data.addSpacePrefix = file.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  return std::make_unique<model::SentencePieceBpe>(std::move(data));
}
}  // namespace

std::unique_ptr<model::Tokenizer> readTokenizer(const GgufFile& file) {
  const auto kind = file.text("tokenizer.ggml.model");
  if (!kind || *kind == "none" || *kind == "no_vocab") return nullptr;
  if (*kind == "gpt2") return readByteLevelBpe(file);
  if (*kind == "llama") return readSentencePieceBpe(file);
  throw Error(
      fmt::format("tokenizer kind {} is not supported, expected gpt2 or llama", model::quotedName(*kind)));
}

std::unique_ptr<model::Tokenizer> loadTokenizer(const std::string& path) {
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
