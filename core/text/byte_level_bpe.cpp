#include "core/text/byte_level_bpe.h"

#include <fmt/format.h>

#include "core/model/error.h"
#include "core/text/byte_alphabet.h"
#include "core/text/pre_tokenizer_families.h"
#include "core/text/unicode_composition.h"
#include "core/text/utf8.h"
#include "core/text/vocabulary.h"

namespace headroom::text {

namespace {
PreTokenizer makePreTokenizer(const ByteLevelBpeData& data) {
  return data.expressions ? PreTokenizer(*data.expressions) : PreTokenizer(data.preTokenizer);
}

bool takesWholeWordsFirst(const ByteLevelBpeData& data) {
  if (data.wholeWordsFirst) return *data.wholeWordsFirst;
  return !data.expressions && preTokenizerFamily(data.preTokenizer).wholeWordsFirst;
}

/// `data` with its lists and ids found to fit each other.
ByteLevelBpeData checked(ByteLevelBpeData data) {
  const auto vocabulary = data.tokens.size();
  if (!data.tokenTypes.empty() && data.tokenTypes.size() != vocabulary) {
    throw model::Error(
        fmt::format("The tokenizer has {} token types for {} tokens", data.tokenTypes.size(), vocabulary));
  }
  requireTokens({data.beginToken, data.endToken}, "begin or end", vocabulary);
  requireTokens(data.turnEndTokens, "end-of-turn", vocabulary);
  return data;
}
}  // namespace

ByteLevelBpe::ByteLevelBpe(ByteLevelBpeData data)
    : DataTokenizer(checked(std::move(data))),
      m_preTokenizer(makePreTokenizer(m_data)),
      m_wholeWordsFirst(takesWholeWordsFirst(m_data)) {
  indexTokens();
  m_merges.reserve(m_data.merges.size());
  for (std::size_t rank = 0; rank < m_data.merges.size(); ++rank) {
    addMerge(m_data.merges[rank], static_cast<int>(rank), m_tokenOf, m_merges);
  }
}

void ByteLevelBpe::indexTokens() {
  const auto vocabulary = m_data.tokens.size();
  m_tokenOf.reserve(vocabulary);
  for (std::size_t token = 0; token < vocabulary; ++token) {
    const TokenType type = m_data.tokenTypes.empty() ? TokenType::Normal : m_data.tokenTypes[token];
    if (type == TokenType::Control || type == TokenType::Unknown) continue;
    const std::string& spelling = m_data.tokens[token];
    // User-defined tokens are stored as they read, and so are tokens outside the alphabet.
    m_pieces[token] =
        type == TokenType::UserDefined ? spelling : bytesOfSpelling(spelling).value_or(spelling);
    m_tokenOf.emplace(spelling, static_cast<int>(token));
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = m_tokenOf.find(spellByte(static_cast<std::uint8_t>(byte)));
    m_byteTokens[byte] = found == m_tokenOf.end() ? -1 : found->second;
  }
}

void ByteLevelBpe::encodePart(std::string_view part, std::string_view, std::vector<int>& tokens) const {
  std::string changed;
  if (m_data.composesCharacters) part = changed = composeCharacters(part);
  if (m_data.startsWithSpace && part.front() != ' ') part = changed = ' ' + std::string(part);
  // Words repeat: the tokens of a word seen before are copied from where they already stand in the result.
  struct Span {
    std::size_t start = 0;
    std::size_t count = 0;
  };
  std::unordered_map<std::string_view, Span> seen;
  for (std::string_view word : m_preTokenizer.split(part)) {
    const auto [entry, isNew] = seen.try_emplace(word);
    if (isNew) {
      entry->second.start = tokens.size();
      encodeWord(word, tokens);
      entry->second.count = tokens.size() - entry->second.start;
    } else {
      for (std::size_t i = 0; i < entry->second.count; ++i) {
        const int token = tokens[entry->second.start + i];
        tokens.push_back(token);
      }
    }
  }
}

void ByteLevelBpe::encodeWord(std::string_view word, std::vector<int>& tokens) const {
  if (m_wholeWordsFirst) {
    const auto whole = m_tokenOf.find(spellBytes(word));
    if (whole != m_tokenOf.end()) {
      tokens.push_back(whole->second);
      return;
    }
  }
  std::vector<int> pieces;
  pieces.reserve(word.size());
  for (char character : word) {
    const auto byte = static_cast<std::uint8_t>(character);
    if (m_byteTokens[byte] < 0) {
      throw model::Error(
          fmt::format("The vocabulary has no token for byte 0x{:02X}, so this text has no encoding", byte));
    }
    pieces.push_back(m_byteTokens[byte]);
  }
  m_merges.apply(pieces);
  tokens.insert(tokens.end(), pieces.begin(), pieces.end());
}

}  // namespace headroom::text
