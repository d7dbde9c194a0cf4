#include "core/text/sentencepiece_bpe.h"

#include <fmt/format.h>

#include <queue>

#include "core/model/error.h"
#include "core/text/utf8.h"
#include "core/text/vocabulary.h"

namespace headroom::text {

namespace {
/// Two adjacent symbols that could become one token; outdated when either has grown since.
struct PendingJoin {
  float score = 0.0f;
  int left = 0;
  int right = 0;
  std::size_t length = 0;
  // Highest score first, then leftmost.
  bool operator<(const PendingJoin& other) const {
    return score != other.score ? score < other.score : left > other.left;
  }
};
}  // namespace

/// A piece of the escaped text; empty when merged into its left neighbour.
struct SentencePieceBpe::Symbol {
  std::size_t start = 0;
  std::size_t length = 0;
  int previous = -1;
  int next = -1;
};

namespace {
/// `data` with its lists and ids found to fit each other.
SentencePieceBpeData checked(SentencePieceBpeData data) {
  const auto vocabulary = data.tokens.size();
  if (data.scores.size() != vocabulary && (data.merges.empty() || !data.scores.empty())) {
    throw model::Error(
        fmt::format("The tokenizer has {} scores for {} tokens", data.scores.size(), vocabulary));
  }
  if (data.tokenTypes.size() != vocabulary) {
    throw model::Error(
        fmt::format("The tokenizer has {} token types for {} tokens", data.tokenTypes.size(), vocabulary));
  }
  requireTokens({data.beginToken, data.endToken, data.unknownToken}, "begin, end or unknown", vocabulary);
  requireTokens(data.turnEndTokens, "end-of-turn", vocabulary);
  return data;
}
}  // namespace

SentencePieceBpe::SentencePieceBpe(SentencePieceBpeData data) : DataTokenizer(checked(std::move(data))) {
  indexTokens();
  m_merges.reserve(m_data.merges.size());
  for (std::size_t rank = 0; rank < m_data.merges.size(); ++rank) {
    addMerge(m_data.merges[rank], static_cast<int>(rank), m_tokenOf, m_merges);
  }
}

void SentencePieceBpe::indexTokens() {
  m_tokenOf.reserve(m_data.tokens.size());
  for (std::size_t index = 0; index < m_data.tokens.size(); ++index) {
    const auto token = static_cast<int>(index);
    const TokenType type = m_data.tokenTypes[index];
    m_pieces[index] = bytesOfPiece(m_data.tokens[index], type, token, m_byteTokens);
    if (isText(type)) m_tokenOf.emplace(m_data.tokens[index], token);
  }
}

void SentencePieceBpe::encodePart(std::string_view part, std::string_view text,
                                  std::vector<int>& tokens) const {
  const SpacePrefix prefix = m_data.addSpacePrefix ? m_data.spacePrefix : SpacePrefix::None;
  const std::string escaped =
      escapeSpaces(getsSpacePrefix(prefix, text, part) ? ' ' + std::string(part) : part);
  const WordEdges edges{.spaces = m_data.splitsAtSpaces, .lineBreaks = m_data.splitsAtLineBreaks};
  for (std::string_view word : splitWords(escaped, edges)) encodeWord(word, tokens);
}

void SentencePieceBpe::encodeWord(std::string_view word, std::vector<int>& tokens) const {
  if (m_data.wholeWordsFirst || (m_data.splitsAtLineBreaks && word.front() == '\n')) {
    const auto whole = m_tokenOf.find(word);
    if (whole != m_tokenOf.end()) {
      tokens.push_back(whole->second);
      return;
    }
  }
  if (m_data.merges.empty()) {
    mergeByScore(word, tokens);
  } else {
    mergeByRank(word, tokens);
  }
}

void SentencePieceBpe::mergeByRank(std::string_view word, std::vector<int>& tokens) const {
  std::vector<int> pieces;
  std::vector<std::string_view> unknown;  // -1 - its index stands for a character among the pieces
  for (std::size_t at = 0; at < word.size();) {
    const std::string_view character = word.substr(at, firstCharacter(word.substr(at)).length);
    const auto found = m_tokenOf.find(character);
    if (found != m_tokenOf.end()) {
      pieces.push_back(found->second);
    } else {
      unknown.push_back(character);
      pieces.push_back(-static_cast<int>(unknown.size()));
    }
    at += character.size();
  }
  m_merges.apply(pieces);
  for (int piece : pieces) {
    if (piece >= 0) {
      tokens.push_back(piece);
    } else {
      appendUnknown(unknown[static_cast<std::size_t>(-piece) - 1], m_byteTokens, m_data.unknownToken, tokens);
    }
  }
}

void SentencePieceBpe::mergeByScore(std::string_view all, std::vector<int>& tokens) const {
  std::vector<Symbol> symbols;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t length = firstCharacter(all.substr(at)).length;
    const int index = static_cast<int>(symbols.size());
    symbols.push_back({at, length, index - 1, at + length < all.size() ? index + 1 : -1});
    at += length;
  }

  std::priority_queue<PendingJoin> pending;
  const auto consider = [&](int left) {
    if (left < 0 || symbols[left].next < 0) return;
    const int right = symbols[left].next;
    const std::size_t length = symbols[left].length + symbols[right].length;
    const auto found = m_tokenOf.find(all.substr(symbols[left].start, length));
    if (found == m_tokenOf.end()) return;
    pending.push({m_data.scores[found->second], left, right, length});
  };
  for (int i = 0; i < static_cast<int>(symbols.size()); ++i) consider(i);
  while (!pending.empty()) {
    const PendingJoin merge = pending.top();
    pending.pop();
    Symbol& left = symbols[merge.left];
    Symbol& right = symbols[merge.right];
    if (left.length == 0 || right.length == 0 || left.length + right.length != merge.length) continue;
    left.length += right.length;
    left.next = right.next;
    right.length = 0;
    if (left.next >= 0) symbols[left.next].previous = merge.left;
    consider(left.previous);
    consider(merge.left);
  }

  for (int i = 0; i >= 0; i = symbols[i].next) {
    const std::string_view piece = all.substr(symbols[i].start, symbols[i].length);
    const auto found = m_tokenOf.find(piece);
    if (found != m_tokenOf.end()) {
      tokens.push_back(found->second);
    } else {
      appendUnknown(piece, m_byteTokens, m_data.unknownToken, tokens);
    }
  }
}

}  // namespace headroom::text
