#include "core/model/sentencepiece_bpe.h"

#include <fmt/format.h>

#include <charconv>
#include <queue>

#include "core/model/error.h"
#include "core/model/utf8.h"

namespace headroom::model {

namespace {
constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581

/// Spaces as the vocabulary spells them.
std::string escapeSpaces(std::string_view text, bool addPrefix) {
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 2);
  if (addPrefix) escaped += kSpace;
  for (char byte : text) {
    if (byte == ' ') {
      escaped += kSpace;
    } else {
      escaped.push_back(byte);
    }
  }
  return escaped;
}

std::string unescapeSpaces(std::string_view spelling) {
  std::string text;
  std::size_t at = 0;
  while (at < spelling.size()) {
    if (spelling.substr(at, kSpace.size()) == kSpace) {
      text.push_back(' ');
      at += kSpace.size();
    } else {
      text.push_back(spelling[at++]);
    }
  }
  return text;
}

/// The byte that "<0x0A>" names, or -1.
int byteOfToken(std::string_view spelling) {
  if (spelling.size() != 6 || spelling.substr(0, 3) != "<0x" || spelling[5] != '>') return -1;
  int byte = -1;
  const auto [end, status] = std::from_chars(spelling.data() + 3, spelling.data() + 5, byte, 16);
  return status == std::errc() && end == spelling.data() + 5 ? byte : -1;
}

/// Two adjacent symbols that could become one token; outdated when either has grown since.
struct PendingMerge {
  float score = 0.0f;
  int left = 0;
  int right = 0;
  std::size_t length = 0;
  // Highest score first, then leftmost.
  bool operator<(const PendingMerge& other) const {
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

SentencePieceBpe::SentencePieceBpe(SentencePieceBpeData data) : m_data(std::move(data)) {
  const auto vocabulary = m_data.tokens.size();
  if (m_data.scores.size() != vocabulary) {
    throw Error(fmt::format("The tokenizer has {} scores for {} tokens", m_data.scores.size(), vocabulary));
  }
  if (m_data.tokenTypes.size() != vocabulary) {
    throw Error(
        fmt::format("The tokenizer has {} token types for {} tokens", m_data.tokenTypes.size(), vocabulary));
  }
  for (int special : {m_data.beginToken, m_data.endToken, m_data.unknownToken}) {
    if (special < -1 || special >= static_cast<int>(vocabulary)) {
      throw Error(fmt::format("The tokenizer's begin, end or unknown token is {}, expected less than {}",
                              special, vocabulary));
    }
  }
  indexTokens();
}

void SentencePieceBpe::indexTokens() {
  m_byteTokens.fill(-1);
  m_pieces.resize(m_data.tokens.size());
  m_tokenOf.reserve(m_data.tokens.size());
  for (std::size_t token = 0; token < m_data.tokens.size(); ++token) {
    const std::string& spelling = m_data.tokens[token];
    switch (m_data.tokenTypes[token]) {
      case TokenType::Control:
      case TokenType::Unknown:
        break;
      case TokenType::Byte: {
        const int byte = byteOfToken(spelling);
        if (byte < 0) {
          throw Error(fmt::format("Byte token {} of the tokenizer is {}, expected a form like <0x0A>", token,
                                  quotedName(spelling)));
        }
        m_byteTokens[byte] = static_cast<int>(token);
        m_pieces[token] = std::string(1, static_cast<char>(byte));
        break;
      }
      default:
        m_tokenOf.emplace(spelling, static_cast<int>(token));
        m_pieces[token] = unescapeSpaces(spelling);
    }
  }
}

std::vector<int> SentencePieceBpe::encode(std::string_view text) const {
  if (text.empty()) return {};
  const std::string escaped = escapeSpaces(text, m_data.addSpacePrefix);
  const std::string_view all = escaped;

  std::vector<Symbol> symbols;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t length = firstCharacter(all.substr(at)).length;
    const int index = static_cast<int>(symbols.size());
    symbols.push_back({at, length, index - 1, at + length < all.size() ? index + 1 : -1});
    at += length;
  }

  std::priority_queue<PendingMerge> pending;
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
    const PendingMerge merge = pending.top();
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

  std::vector<int> tokens;
  for (int i = 0; i >= 0; i = symbols[i].next) {
    const std::string_view piece = all.substr(symbols[i].start, symbols[i].length);
    const auto found = m_tokenOf.find(piece);
    if (found != m_tokenOf.end()) {
      tokens.push_back(found->second);
    } else {
      appendCharacter(piece, tokens);
    }
  }
  return tokens;
}

void SentencePieceBpe::appendCharacter(std::string_view character, std::vector<int>& tokens) const {
  bool hasAllBytes = true;
  for (char byte : character)
    hasAllBytes = hasAllBytes && m_byteTokens[static_cast<unsigned char>(byte)] >= 0;
  if (hasAllBytes) {
    for (char byte : character) tokens.push_back(m_byteTokens[static_cast<unsigned char>(byte)]);
  } else if (m_data.unknownToken >= 0) {
    tokens.push_back(m_data.unknownToken);
  } else {
    throw Error(fmt::format("The vocabulary has no token for {}, so this text has no encoding",
                            quotedName(character)));
  }
}

std::string SentencePieceBpe::pieceBytes(int token) const {
  return token >= 0 && token < vocabSize() ? m_pieces[token] : std::string();
}

std::string SentencePieceBpe::decode(const std::vector<int>& tokens) const {
  std::string bytes;
  for (int token : tokens) bytes += pieceBytes(token);
  if (m_data.addSpacePrefix && !bytes.empty() && bytes[0] == ' ') bytes.erase(0, 1);
  return bytes;
}

}  // namespace headroom::model
