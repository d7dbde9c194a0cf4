#include "core/lanes/prompt.h"

#include <algorithm>
#include <cassert>

#include "core/model/error.h"
#include "core/text/chat_template.h"
#include "core/text/token_list.h"
#include "core/text/utf8.h"

namespace headroom::lanes {

namespace {

/// Whether what `trace` tells of its tokens is so in `other`.
bool sharesPieces(const LaneEngine& trace, const LaneEngine& other) {
  const model::Tokenizer* tokenizer = other.tokenizer();
  return std::ranges::all_of(trace.pieces, [&](const auto& piece) {
    if (tokenizer) return text::replaceInvalidUtf8(tokenizer->pieceBytes(piece.first)) == piece.second;
    const auto found = other.pieces.find(piece.first);
    return found == other.pieces.end() || found->second == piece.second;
  });
}

std::vector<int> encoded(const Prompt& prompt, const model::Model& model) {
  if (prompt.form == PromptForm::Text) return model.tokenizer->encode(prompt.text);
  std::vector<text::ChatMessage> messages;
  if (!prompt.system.empty()) messages.push_back({text::ChatRole::System, prompt.system});
  messages.push_back({text::ChatRole::User, prompt.text});
  return model.tokenizer->encode(text::ChatTemplate(model.chatTemplate).prompt(messages),
                                 model::SpecialText::Parsed);
}

}  // namespace

std::vector<int> promptIds(const Prompt& prompt, const model::Model& model) {
  std::vector<int> tokens;
  if (prompt.form == PromptForm::Ids) {
    tokens = text::parseTokenIds(prompt.text);
  } else if (!prompt.text.empty()) {
    assert(model.tokenizer);
    if (model.tokenizer->beginToken() >= 0) tokens.push_back(model.tokenizer->beginToken());
    const std::vector<int> text = encoded(prompt, model);
    tokens.insert(tokens.end(), text.begin(), text.end());
  }
  if (tokens.empty()) {
    throw model::Error(prompt.form == PromptForm::Ids ? "the prompt is empty; type at least one token id."
                                                      : "the prompt is empty; type at least one character.");
  }
  return tokens;
}

WhenTextEnds whenTextEnds(PromptForm form, WhenTextEnds chosen) {
  return form == PromptForm::Chat ? WhenTextEnds::Stop : chosen;
}

std::vector<int> promptTokens(const Prompt& prompt, const LaneEngine& engine) {
  if (!engine.script.empty()) return {engine.script.begin(), engine.script.begin() + engine.scriptPrompt};
  std::vector<int> tokens;
  if (engine.tokenizer() || prompt.form == PromptForm::Ids) {
    tokens = promptIds(prompt, *engine.model);
  } else {
    try {
      tokens = promptIds({prompt.text, PromptForm::Ids}, *engine.model);
    } catch (const model::Error& error) {
      throw model::Error(std::string("this model has no tokenizer, so its prompt must be token ids: ") +
                         error.what());
    }
  }
  return tokens;
}

std::vector<int> filledTokens(std::vector<int> prompt, const LaneEngine& engine, int positions) {
  const int vocabSize = engine.decoder->config().vocabSize;
  const auto areKnown = [vocabSize](const std::vector<int>& tokens) {
    return std::ranges::all_of(tokens, [&](int token) { return token >= 0 && token < vocabSize; });
  };
  // Tokens that are none are refused where they are fed.
  if (!engine.script.empty() || std::ssize(prompt) >= positions || !areKnown(prompt)) return prompt;
  const model::Tokenizer* tokenizer = engine.tokenizer();
  const bool begins = tokenizer && tokenizer->beginToken() >= 0 && prompt.front() == tokenizer->beginToken();
  const std::size_t first = begins && prompt.size() > 1 ? 1 : 0;
  std::vector<int> repeated(prompt.begin() + static_cast<std::ptrdiff_t>(first), prompt.end());
  if (tokenizer) {
    // Words of two repetitions stay apart.
    std::string text = " ";
    for (int token : repeated) text += tokenizer->pieceBytes(token);
    const std::vector<int> apart = tokenizer->encode(text);
    if (areKnown(apart) && !apart.empty()) repeated = apart;
  }
  for (std::size_t index = 0; prompt.size() < static_cast<std::size_t>(positions); ++index) {
    prompt.push_back(repeated[index % repeated.size()]);
  }
  return prompt;
}

bool sameVocabulary(const LaneEngine& a, const LaneEngine& b) {
  if (a.model && b.model && &*a.model == &*b.model) return true;
  if (a.decoder->config().vocabSize != b.decoder->config().vocabSize) return false;
  if (!a.script.empty() || !b.script.empty()) return sharesPieces(a, b) && sharesPieces(b, a);
  const model::Tokenizer* first = a.tokenizer();
  const model::Tokenizer* second = b.tokenizer();
  if (!first || !second) return !first && !second;
  if (first->vocabSize() != second->vocabSize()) return false;
  for (int token = 0; token < first->vocabSize(); ++token) {
    if (first->pieceBytes(token) != second->pieceBytes(token)) return false;
  }
  return true;
}

}  // namespace headroom::lanes
