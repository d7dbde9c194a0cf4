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

/// The best way to spell a text up to some byte: its score, and the last token of it.
struct BestPath {
  double score = -std::numeric_limits<double>::infinity();
  std::size_t lastStart = 0;
  int lastToken = -1;  ///< -1 for a character that no token spells
};
}  // namespace

Unigram::Unigram(UnigramData data) : DataTokenizer(checked(std::move(data))), m_charsmap(m_data.charsmap) {
  indexTokens();
}

void Unigram::indexTokens() {
  std::vector<std::pair<std::string_view, int>> normal;
  double lowest = std::numeric_limits<double>::infinity();
  for (std::size_t index = 0; index < m_data.tokens.size(); ++index) {
    const auto token = static_cast<int>(index);
    const TokenType type = m_data.tokenTypes[index];
    m_pieces[index] = bytesOfPiece(m_data.tokens[index], type, token, m_byteTokens);
    if (type != TokenType::Normal) continue;
    normal.emplace_back(m_data.tokens[index], token);
    lowest = std::min(lowest, m_data.scores[index]);
  }
  m_unknownScore = (normal.empty() ? 0.0 : lowest) - kUnknownPenalty;
  m_trie = ByteTrie(std::move(normal));
}

void Unigram::encodePart(std::string_view part, std::string_view text, std::vector<int>& tokens) const {
  const bool isStart = part.data() == text.data();
  const bool isPrefixed = m_data.spacePrefix != SpacePrefix::StartUnlessThere || isStart;
  const std::string spelled = normalized(part, isPrefixed ? m_data.spacePrefix : SpacePrefix::None);
  for (std::string_view word : splitWords(spelled, {.spaces = m_data.splitsAtSpaces})) {
    encodeWord(word, tokens);
  }
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

}  // namespace headroom::text
