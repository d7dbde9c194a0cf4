#include "core/text/sentencepiece_text.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::text {

std::string escapeSpaces(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 2);
  for (char byte : text) {
    if (byte == ' ') {
      escaped += kEscapedSpace;
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
    if (spelling.substr(at, kEscapedSpace.size()) == kEscapedSpace) {
      text.push_back(' ');
      at += kEscapedSpace.size();
    } else {
      text.push_back(spelling[at++]);
    }
  }
  return text;
}

int byteOfToken(std::string_view spelling) {
  if (spelling.size() != 6 || spelling.substr(0, 3) != "<0x" || spelling[5] != '>') return -1;
  int byte = -1;
  const auto [end, status] = std::from_chars(spelling.data() + 3, spelling.data() + 5, byte, 16);
  return status == std::errc() && end == spelling.data() + 5 ? byte : -1;
}

std::string bytesOfPiece(const std::string& spelling, TokenType type, int token,
                         std::span<int, 256> byteTokens) {
  if (isText(type)) return unescapeSpaces(spelling);
  if (type != TokenType::Byte) return {};
  const int byte = byteOfToken(spelling);
  if (byte < 0) {
    throw model::Error(fmt::format("Byte token {} of the tokenizer is {}, expected a form like <0x0A>", token,
                                   quotedName(spelling)));
  }
  byteTokens[static_cast<std::size_t>(byte)] = token;
  return {static_cast<char>(byte)};
}

void markByteTokens(const std::vector<std::string>& tokens, std::vector<TokenType>& types) {
  for (std::size_t i = 0; i < std::min(tokens.size(), types.size()); ++i) {
    if (types[i] == TokenType::Normal && byteOfToken(tokens[i]) >= 0) types[i] = TokenType::Byte;
  }
}

std::vector<std::string_view> splitWords(std::string_view escaped, WordEdges edges) {
  std::vector<std::string_view> words;
  std::size_t start = 0;
  for (std::size_t at = 1; at < escaped.size() && (edges.spaces || edges.lineBreaks); ++at) {
    const bool isWordStart = edges.spaces && escaped.substr(at).starts_with(kEscapedSpace);
    const bool isLineEdge = edges.lineBreaks && (escaped[at] == '\n') != (escaped[at - 1] == '\n');
    if (!isWordStart && !isLineEdge) continue;
    words.push_back(escaped.substr(start, at - start));
    start = at;
  }
  words.push_back(escaped.substr(start));
  return words;
}

bool getsSpacePrefix(SpacePrefix rule, std::string_view text, std::string_view part) {
  const bool isStart = part.data() == text.data();
  const bool hasSpace = part.starts_with(' ') || part.starts_with(kEscapedSpace);
  switch (rule) {
    case SpacePrefix::None:
      return false;
    case SpacePrefix::EveryPart:
      return true;
    case SpacePrefix::EveryPartUnlessThere:
      return !hasSpace;
    case SpacePrefix::StartUnlessThere:
      return isStart && !hasSpace;
  }
  return false;
}

}  // namespace headroom::text
