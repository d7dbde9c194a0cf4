#include "core/text/unigram.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/model/error.h"
#include "core/text/utf8.h"
#include "core/text/vocabulary.h"

namespace headroom::text {

namespace {
/// How much less than the least likely token an unknown character counts, as in SentencePiece.
constexpr double kUnknownPenalty = 10.0;

/// `data` with its lists and ids found to fit each other.
UnigramData checked(UnigramData data) {
  const auto vocabulary = data.tokens.size();
  if (data.scores.size() != vocabulary || data.tokenTypes.size() != vocabulary) {
    throw model::Error(fmt::format("The tokenizer has {} scores and {} token types for {} tokens",
                                   data.scores.size(), data.tokenTypes.size(), vocabulary));
  }
  for (std::size_t i = 0; i < vocabulary; ++i) {
    if (!std::isfinite(data.scores[i])) {
      throw model::Error(
          fmt::format("The score of token {} is {}, expected a finite number", i, data.scores[i]));
    }
  }
  requireTokens({data.beginToken, data.endToken, data.unknownToken}, "begin, end or unknown", vocabulary);
  requireTokens(data.turnEndTokens, "end-of-turn", vocabulary);
  return data;
}

/// Without the spaces at both ends, and with one where several stood.
std::string withoutExtraSpaces(std::string_view text) {
  std::string result;
  for (char byte : text) {
    if (byte == ' ' && (result.empty() || result.back() == ' ')) continue;
    result.push_back(byte);
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

std::vector<std::string_view> wordsOf(std::string_view escaped) {
  std::vector<std::string_view> words;
  while (!escaped.empty()) {
    const std::size_t next = std::min(escaped.find(kEscapedSpace, 1), escaped.size());
    words.push_back(escaped.substr(0, next));
    escaped.remove_prefix(next);
  }
  return words;
}

/// The best way to spell a text up to some byte: its score, and the last token of it.
struct BestPath {
  double score = -std::numeric_limits<double>::infinity();
  std::size_t lastStart = 0;
  int lastToken = -1;  ///< -1 for a character that no token spells
};
}  // namespace

Unigram::Unigram(UnigramData data)
    : m_data(checked(std::move(data))),
      m_addedTokens(m_data.tokens, m_data.tokenTypes, m_data.stripping),
      m_charsmap(m_data.charsmap) {
  indexTokens();
}

void Unigram::indexTokens() {
  m_byteTokens.fill(-1);
  m_pieces.resize(m_data.tokens.size());
  std::vector<std::pair<std::string_view, int>> normal;
  double lowest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < m_data.tokens.size(); ++i) {
    const int token = static_cast<int>(i);
    const std::string& spelling = m_data.tokens[i];
    switch (m_data.tokenTypes[i]) {
      case TokenType::Control:
      case TokenType::Unknown:
        break;
      case TokenType::Byte: {
        const int byte = byteOfToken(spelling);
        if (byte < 0) {
          throw model::Error(fmt::format("Byte token {} of the tokenizer is {}, expected a form like <0x0A>",
                                         token, quotedName(spelling)));
        }
        m_byteTokens[byte] = token;
        m_pieces[i] = std::string(1, static_cast<char>(byte));
        break;
      }
      case TokenType::Normal:
        normal.emplace_back(spelling, token);
        lowest = std::min(lowest, m_data.scores[i]);
        [[fallthrough]];
      default:
        m_pieces[i] = unescapeSpaces(spelling);
    }
  }
  m_unknownScore = (normal.empty() ? 0.0 : lowest) - kUnknownPenalty;
  m_trie = ByteTrie(std::move(normal));
}

std::vector<int> Unigram::encode(std::string_view text) const {
  return encode(text, model::SpecialText::Plain);
}

std::vector<int> Unigram::encode(std::string_view text, model::SpecialText special) const {
  std::vector<int> tokens;
  for (const TextPart& part : m_addedTokens.split(text, special)) {
    if (part.token >= 0) {
      tokens.push_back(part.token);
      continue;
    }
    const bool isStart = part.text.data() == text.data();
    const bool isPrefixed = m_data.spacePrefix != SpacePrefix::StartUnlessThere || isStart;
    const std::string spelled = normalized(part.text, isPrefixed ? m_data.spacePrefix : SpacePrefix::None);
    if (m_data.splitsAtSpaces) {
      for (std::string_view word : wordsOf(spelled)) encodeWord(word, tokens);
    } else {
      encodeWord(spelled, tokens);
    }
  }
  return tokens;
}

std::string Unigram::normalized(std::string_view part, SpacePrefix prefix) const {
  std::string text = m_charsmap.normalize(part);
  if (m_data.removesExtraSpaces) text = withoutExtraSpaces(text);
  if (text.empty()) return text;
  if (getsSpacePrefix(prefix, text, text)) text.insert(0, 1, ' ');
  std::string escaped = escapeSpaces(text);
  // SentencePiece takes a "▁" of the text itself for a space here.
  while (m_data.removesExtraSpaces && escaped.ends_with(kEscapedSpace)) {
    escaped.resize(escaped.size() - kEscapedSpace.size());
  }
  return escaped;
}

void Unigram::encodeWord(std::string_view word, std::vector<int>& tokens) const {
  if (word.empty()) return;
  std::vector<BestPath> best(word.size() + 1);  // by byte; only those between characters are reached
  best[0].score = 0.0;
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t characterLength = firstCharacter(word.substr(at)).length;
    const double score = best[at].score;
    const auto offer = [&](std::size_t length, int token, double tokenScore) {
      BestPath& path = best[at + length];
      if (score + tokenScore > path.score) path = {score + tokenScore, at, token};
    };
    bool hasCharacterToken = false;
    m_trie.forEachPrefix(word.substr(at), [&](std::size_t length, int token) {
      hasCharacterToken = hasCharacterToken || length == characterLength;
      offer(length, token, m_data.scores[static_cast<std::size_t>(token)]);
    });
    if (!hasCharacterToken) offer(characterLength, -1, m_unknownScore);
    at += characterLength;
  }

  std::vector<std::size_t> ends;  // of the tokens on the best path, last first
  for (std::size_t end = word.size(); end > 0; end = best[end].lastStart) ends.push_back(end);
  std::size_t start = 0;
  for (std::size_t i = ends.size(); i-- > 0;) {
    const std::size_t end = ends[i];
    if (best[end].lastToken >= 0) {
      tokens.push_back(best[end].lastToken);
      start = end;
    } else if (i == 0 || best[ends[i - 1]].lastToken >= 0) {  // the run of unknown characters ends
      appendUnknown(word.substr(start, end - start), m_byteTokens, m_data.unknownToken, tokens);
      start = end;
    }
  }
}

std::string Unigram::pieceBytes(int token) const {
  return token >= 0 && token < vocabSize() ? m_pieces[static_cast<std::size_t>(token)] : std::string();
}

std::string Unigram::decode(const std::vector<int>& tokens) const {
  std::string bytes;
  for (int token : tokens) bytes += pieceBytes(token);
  if (m_data.spacePrefix != SpacePrefix::None && bytes.starts_with(' ')) bytes.erase(0, 1);
  return bytes;
}

bool Unigram::endsText(int token) const {
  return model::Tokenizer::endsText(token) ||
         std::find(m_data.turnEndTokens.begin(), m_data.turnEndTokens.end(), token) !=
             m_data.turnEndTokens.end();
}

}  // namespace headroom::text
