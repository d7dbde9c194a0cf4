#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/text/token_type.h"

namespace headroom::text {

/// How SentencePiece vocabularies spell text: a space is "▁" (U+2581), a byte that no token has is "<0x0A>".

inline constexpr std::string_view kEscapedSpace = "\xE2\x96\x81";

std::string escapeSpaces(std::string_view text);
std::string unescapeSpaces(std::string_view spelling);
/// The byte that "<0x0A>" names, or -1.
int byteOfToken(std::string_view spelling);

/// Whether tokens of that type are spelled as the text that they stand for.
inline bool isText(TokenType type) {
  return type != TokenType::Control && type != TokenType::Unknown && type != TokenType::Byte;
}
/// The bytes that a token stands for; none for control tokens. That of a byte token is entered into
/// `byteTokens`. Throws model::Error for a byte token of another form.
std::string bytesOfPiece(const std::string& spelling, TokenType type, int token,
                         std::span<int, 256> byteTokens);

/// Makes normal tokens that are spelled like byte tokens such: some files call them normal.
void markByteTokens(const std::vector<std::string>& tokens, std::vector<TokenType>& types);

/// Where words end, which tokens do not reach over.
struct WordEdges {
  bool spaces = false;      ///< before each "▁"
  bool lineBreaks = false;  ///< between line breaks and text
};
/// The words of an escaped text in order; the whole of it without edges.
std::vector<std::string_view> splitWords(std::string_view escaped, WordEdges edges);

/// Where a text is encoded as if a space stood before it. Added tokens cut a text into parts.
enum class SpacePrefix {
  None,
  EveryPart,             ///< at the start, and after each added token
  EveryPartUnlessThere,  ///< the same where a part does not begin with a space of its own
  StartUnlessThere,      ///< at the start only
};

/// Whether the part of a text that begins at `part`, the text beginning at `text`, gets a space before it.
bool getsSpacePrefix(SpacePrefix rule, std::string_view text, std::string_view part);

}  // namespace headroom::text
