#include "core/formats/hugging_face/hugging_face_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/formats/json/json_object.h"
#include "core/model/error.h"
#include "core/text/sentencepiece_text.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using nlohmann::json;
using text::TokenType;

class VocabularyReader {
 public:
  VocabularyReader(const json& tokenizer, int vocabSize) : m_tokenizer(tokenizer) {
    const json* model = findMember(tokenizer, "model");
    m_vocab = model ? findMember(*model, "vocab") : nullptr;
    if (!m_vocab || !m_vocab->is_structured()) throw Error("\"model\" has no \"vocab\"");
    m_model = model;
    // A file that leaves more ids out than it names is not a vocabulary.
    m_idLimit = vocabSize > 0 ? static_cast<std::size_t>(vocabSize) : 4 * m_vocab->size() + 4096;
    if (vocabSize > 0) resize(static_cast<std::size_t>(vocabSize));
  }

  HuggingFaceVocabulary read() {
    if (m_vocab->is_object()) {
      for (const auto& [token, id] : m_vocab->items()) place(formats::idOf(id, "an id of \"vocab\""), token);
    } else {
      readScoredTokens();
    }
    readAddedTokens();
    readUnknownToken();
    if (flagMember(*m_model, "byte_fallback", false)) {
      text::markByteTokens(m_result.tokens, m_result.types);
    }
    return std::move(m_result);
  }

 private:
  void resize(std::size_t size) {
    m_result.tokens.resize(size);
    m_result.types.resize(size, TokenType::Unused);
  }

  void place(int id, const std::string& token) {
    const auto index = static_cast<std::size_t>(id);
    if (index >= m_idLimit) {
      throw Error(
          fmt::format("token {} has id {}, expected less than {}", text::quotedName(token), id, m_idLimit));
    }
    if (index >= m_result.tokens.size()) resize(index + 1);
    std::string& held = m_result.tokens[index];
    if (m_result.types[index] != TokenType::Unused && held != token) {
      throw Error(fmt::format("id {} has two tokens, {} and {}", id, text::quotedName(held),
                              text::quotedName(token)));
    }
    held = token;
    m_result.types[index] = TokenType::Normal;
  }

  /// Unigram: [["token", score], ...] in the order of ids.
  void readScoredTokens() {
    m_result.scores.reserve(m_vocab->size());
    for (const json& entry : *m_vocab) {
      const auto id = static_cast<int>(m_result.scores.size());
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
        throw Error(fmt::format("entry {} of \"vocab\" is {}, expected a token and its score", id,
                                text::quotedName(entry.dump())));
      }
      place(id, entry[0].get<std::string>());
      m_result.scores.push_back(entry[1].get<double>());
    }
  }

  void readAddedTokens() {
    const json* list = findMember(m_tokenizer, "added_tokens");
    if (!list) return;
    if (!list->is_array()) throw Error("\"added_tokens\" is no list");
    for (const json& entry : *list) {
      const std::string content = textMember(entry, "content", "");
      const json* idValue = findMember(entry, "id");
      if (content.empty() || !idValue) throw Error("an entry of \"added_tokens\" has no id or no content");
      const int id = formats::idOf(*idValue, "an id of \"added_tokens\"");
      if (flagMember(entry, "single_word", false)) {
        throw Error(fmt::format("added token {} is found in whole words only, which is not supported",
                                text::quotedName(content)));
      }
      place(id, content);
      m_result.types[static_cast<std::size_t>(id)] =
          flagMember(entry, "special", false) ? TokenType::Control : TokenType::UserDefined;
      if (flagMember(entry, "normalized", true)) m_result.normalized.push_back(id);
      if (flagMember(entry, "lstrip", false)) m_result.stripping.left.push_back(id);
      if (flagMember(entry, "rstrip", false)) m_result.stripping.right.push_back(id);
    }
  }

  void readUnknownToken() {
    if (const json* id = findMember(*m_model, "unk_id")) {
      m_result.unknownToken = formats::idOf(*id, "\"unk_id\"");
      if (m_result.unknownToken >= std::ssize(m_result.tokens)) {
        throw Error(fmt::format("\"unk_id\" is {}, expected less than the {} tokens", m_result.unknownToken,
                                m_result.tokens.size()));
      }
    } else if (const std::string name = textMember(*m_model, "unk_token", ""); !name.empty()) {
      m_result.unknownToken = m_result.idOf(name);
    }
    // GPT-2 names its end token so, which no text needs: it has a token for every byte.
    const int unknown = m_result.unknownToken;
    if (unknown >= 0) {
      auto& type = m_result.types[static_cast<std::size_t>(unknown)];
      if (type == TokenType::Normal) type = TokenType::Unknown;
    }
  }

  const json& m_tokenizer;
  const json* m_model = nullptr;
  const json* m_vocab = nullptr;
  std::size_t m_idLimit = 0;
  HuggingFaceVocabulary m_result;
};
}  // namespace

int HuggingFaceVocabulary::idOf(std::string_view token) const {
  const auto found = std::find(tokens.begin(), tokens.end(), token);
  return found == tokens.end() ? -1 : static_cast<int>(found - tokens.begin());
}

HuggingFaceVocabulary readHuggingFaceVocabulary(const json& tokenizer, int vocabSize) {
  HuggingFaceVocabulary vocabulary = VocabularyReader(tokenizer, vocabSize).read();
  if (!vocabulary.scores.empty()) vocabulary.scores.resize(vocabulary.tokens.size());
  return vocabulary;
}

}  // namespace headroom::formats
