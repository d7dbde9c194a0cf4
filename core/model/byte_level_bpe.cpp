#include "core/model/byte_level_bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>

#include "core/model/byte_alphabet.h"
#include "core/model/error.h"
#include "core/model/utf8.h"

namespace headroom::model {

namespace {
std::uint64_t pairKey(int left, int right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

/// A merge waiting to be done at piece `left`; outdated when the two pieces have changed since.
struct PendingMerge {
  int rank = 0;
  int left = 0;
  int leftToken = 0;
  int rightToken = 0;
  int merged = 0;
  // Lowest rank first, then leftmost.
  bool operator<(const PendingMerge& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

/// A node of the doubly linked list of a word's pieces; token -1 when merged away.
struct Piece {
  int token = 0;
  int previous = 0;
  int next = 0;
};
}  // namespace

ByteLevelBpe::ByteLevelBpe(ByteLevelBpeData data)
    : m_data(std::move(data)),
      m_preTokenizer(m_data.preTokenizer),
      m_wholeWordsFirst(m_data.preTokenizer == "llama-bpe") {
  const auto vocabulary = m_data.tokens.size();
  if (!m_data.tokenTypes.empty() && m_data.tokenTypes.size() != vocabulary) {
    throw Error(
        fmt::format("The tokenizer has {} token types for {} tokens", m_data.tokenTypes.size(), vocabulary));
  }
  for (int special : {m_data.beginToken, m_data.endToken}) {
    if (special < -1 || special >= static_cast<int>(vocabulary)) {
      throw Error(fmt::format("The tokenizer's begin or end token is {}, expected less than {}", special,
                              vocabulary));
    }
  }
  m_pieces.resize(vocabulary);
  m_tokenOf.reserve(vocabulary);
  for (std::size_t token = 0; token < vocabulary; ++token) {
    const TokenType type = m_data.tokenTypes.empty() ? TokenType::Normal : m_data.tokenTypes[token];
    if (type == TokenType::Control || type == TokenType::Unknown) continue;
    const std::string& spelling = m_data.tokens[token];
    // Tokens outside the alphabet (user-defined ones) are stored as they read.
    m_pieces[token] = bytesOfSpelling(spelling).value_or(spelling);
    m_tokenOf.emplace(spelling, static_cast<int>(token));
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = m_tokenOf.find(std::string(spellByte(static_cast<std::uint8_t>(byte))));
    m_byteTokens[byte] = found == m_tokenOf.end() ? -1 : found->second;
  }
  m_merges.reserve(m_data.merges.size());
  for (std::size_t rank = 0; rank < m_data.merges.size(); ++rank) {
    addMerge(m_data.merges[rank], static_cast<int>(rank));
  }
}

void ByteLevelBpe::addMerge(const std::string& merge, int rank) {
  const std::size_t space = merge.find(' ', 1);  // a spelling never has a space in it
  if (space == std::string::npos || space + 1 >= merge.size()) {
    throw Error(fmt::format("Merge {} of the tokenizer is {}, expected two tokens with a space between them",
                            rank, quotedName(merge)));
  }
  const auto left = m_tokenOf.find(merge.substr(0, space));
  const auto right = m_tokenOf.find(merge.substr(space + 1));
  const auto merged = m_tokenOf.find(merge.substr(0, space) + merge.substr(space + 1));
  // Vocabularies that were cut down keep merges whose tokens are gone; such a merge can never apply.
  if (left == m_tokenOf.end() || right == m_tokenOf.end() || merged == m_tokenOf.end()) return;
  m_merges.emplace(pairKey(left->second, right->second), Merge{rank, merged->second});
}

std::vector<int> ByteLevelBpe::encode(std::string_view text) const {
  std::vector<int> tokens;
  tokens.reserve(text.size() / 3 + 1);
  // Words repeat: the tokens of a word seen before are copied from where they already stand in the result.
  struct Span {
    std::size_t start = 0;
    std::size_t count = 0;
  };
  std::unordered_map<std::string_view, Span> seen;
  for (std::string_view word : m_preTokenizer.split(text)) {
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
  return tokens;
}

void ByteLevelBpe::encodeWord(std::string_view word, std::vector<int>& tokens) const {
  if (m_wholeWordsFirst) {
    const auto whole = m_tokenOf.find(spellBytes(word));
    if (whole != m_tokenOf.end()) {
      tokens.push_back(whole->second);
      return;
    }
  }
  std::vector<Piece> pieces(word.size());
  const int last = static_cast<int>(word.size()) - 1;
  for (int i = 0; i <= last; ++i) {
    const auto byte = static_cast<std::uint8_t>(word[i]);
    if (m_byteTokens[byte] < 0) {
      throw Error(
          fmt::format("The vocabulary has no token for byte 0x{:02X}, so this text has no encoding", byte));
    }
    pieces[i] = {m_byteTokens[byte], i - 1, i == last ? -1 : i + 1};
  }
  std::priority_queue<PendingMerge> pending;
  const auto consider = [&](int left) {
    if (left < 0 || pieces[left].next < 0) return;
    const int leftToken = pieces[left].token;
    const int rightToken = pieces[pieces[left].next].token;
    const auto found = m_merges.find(pairKey(leftToken, rightToken));
    if (found == m_merges.end()) return;
    pending.push({found->second.rank, left, leftToken, rightToken, found->second.token});
  };
  for (int i = 0; i < last; ++i) consider(i);
  while (!pending.empty()) {
    const PendingMerge merge = pending.top();
    pending.pop();
    Piece& left = pieces[merge.left];
    if (left.token != merge.leftToken || left.next < 0) continue;
    Piece& right = pieces[left.next];
    if (right.token != merge.rightToken) continue;
    left.token = merge.merged;
    right.token = -1;
    left.next = right.next;
    if (left.next >= 0) pieces[left.next].previous = merge.left;
    consider(left.previous);
    consider(merge.left);
  }
  for (int i = 0; i >= 0; i = pieces[i].next) tokens.push_back(pieces[i].token);
}

std::string ByteLevelBpe::pieceBytes(int token) const {
  return token >= 0 && token < vocabSize() ? m_pieces[token] : std::string();
}

std::string ByteLevelBpe::decode(const std::vector<int>& tokens) const {
  std::string bytes;
  for (int token : tokens) bytes += pieceBytes(token);
  return bytes;
}

}  // namespace headroom::model
