#include "app/session/prompt.h"

#include <algorithm>

#include "core/model/error.h"
#include "core/text/chat_template.h"
#include "core/text/token_list.h"
#include "core/text/utf8.h"

namespace headroom::session {

namespace {

/// Whether what `trace` tells of its tokens is so in `other`.
bool sharesPieces(const LaneEngine& trace, const LaneEngine& other) {
  const model::Tokenizer* tokenizer = other.model ? other.model->tokenizer.get() : nullptr;
  return std::ranges::all_of(trace.pieces, [&](const auto& piece) {
    if (tokenizer) return text::replaceInvalidUtf8(tokenizer->pieceBytes(piece.first)) == piece.second;
    const auto found = other.pieces.find(piece.first);
    return found == other.pieces.end() || found->second == piece.second;
  });
}

}  // namespace

std::vector<int> promptTokens(const std::string& prompt, PromptForm form, const LaneEngine& engine) {
  if (!engine.script.empty()) return {engine.script.begin(), engine.script.begin() + engine.scriptPrompt};
  const model::Decoder& decoder = *engine.decoder;
  const model::Tokenizer* tokenizer = engine.model ? engine.model->tokenizer.get() : nullptr;
  std::vector<int> tokens;
  if (form == PromptForm::Ids) {
    tokens = text::parseTokenIds(prompt);
  } else if (tokenizer) {
    if (tokenizer->beginToken() >= 0) tokens.push_back(tokenizer->beginToken());
    std::vector<int> text;
    if (form == PromptForm::Chat) {
      const text::ChatTemplate chat(engine.model->chatTemplate);
      const text::ChatMessage message{text::ChatRole::User, prompt};
      text = tokenizer->encode(chat.prompt(std::span(&message, 1)), model::SpecialText::Parsed);
    } else {
      text = tokenizer->encode(prompt);
    }
    tokens.insert(tokens.end(), text.begin(), text.end());
  } else {
    try {
      tokens = text::parseTokenIds(prompt);
    } catch (const model::Error& error) {
      throw model::Error(std::string("this model has no tokenizer, so its prompt must be token ids: ") +
                         error.what());
    }
  }
  const int vocabSize = decoder.config().vocabSize;
  for (const int token : tokens) {
    if (token < 0 || token >= vocabSize) {
      throw model::Error("token id " + std::to_string(token) + " is not in this model's vocabulary of " +
                         std::to_string(vocabSize) + ".");
    }
  }
  if (tokens.empty())
    throw model::Error(form == PromptForm::Ids ? "the prompt is empty; type at least one token id."
                                               : "the prompt is empty; type at least one character.");
  const int limit =
      decoder.options().contextLength > 0 ? decoder.options().contextLength : decoder.config().contextLength;
  if (std::ssize(tokens) >= limit) {
    throw model::Error("the prompt has " + std::to_string(tokens.size()) +
                       " tokens and leaves no room in a context of " + std::to_string(limit) +
                       "; shorten it.");
  }
  return tokens;
}

std::vector<int> filledTokens(std::vector<int> prompt, const LaneEngine& engine, int positions) {
  if (!engine.script.empty()) return prompt;
  const model::Tokenizer* tokenizer = engine.model ? engine.model->tokenizer.get() : nullptr;
  const bool begins = tokenizer && tokenizer->beginToken() >= 0 && prompt.front() == tokenizer->beginToken();
  const std::size_t first = begins && prompt.size() > 1 ? 1 : 0;
  std::vector<int> repeated(prompt.begin() + static_cast<std::ptrdiff_t>(first), prompt.end());
  if (tokenizer) {
    // Words of two repetitions stay apart.
    std::string text = " ";
    for (int token : repeated) text += tokenizer->pieceBytes(token);
    const std::vector<int> apart = tokenizer->encode(text);
    const int vocabSize = engine.decoder->config().vocabSize;
    const bool known = std::ranges::all_of(apart, [&](int token) { return token >= 0 && token < vocabSize; });
    if (known && !apart.empty()) repeated = apart;
  }
  for (std::size_t index = 0; prompt.size() < static_cast<std::size_t>(positions); ++index) {
    prompt.push_back(repeated[index % repeated.size()]);
  }
  return prompt;
}

bool sameVocabulary(const LaneEngine& a, const LaneEngine& b) {
  if (a.decoder->config().vocabSize != b.decoder->config().vocabSize) return false;
  if (!a.script.empty() || !b.script.empty()) return sharesPieces(a, b) && sharesPieces(b, a);
  const model::Tokenizer* first = a.model ? a.model->tokenizer.get() : nullptr;
  const model::Tokenizer* second = b.model ? b.model->tokenizer.get() : nullptr;
  if (!first || !second) return !first && !second;
  if (first->vocabSize() != second->vocabSize()) return false;
  for (int token = 0; token < first->vocabSize(); ++token) {
    if (first->pieceBytes(token) != second->pieceBytes(token)) return false;
  }
  return true;
}

}  // namespace headroom::session
