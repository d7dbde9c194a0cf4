#pragma once

#include <string>
#include <string_view>

namespace headroom::text {

/// How SentencePiece vocabularies spell text: a space is "▁" (U+2581), a byte that no token has is "<0x0A>".

inline constexpr std::string_view kEscapedSpace = "\xE2\x96\x81";

std::string escapeSpaces(std::string_view text);
std::string unescapeSpaces(std::string_view spelling);
/// The byte that "<0x0A>" names, or -1.
int byteOfToken(std::string_view spelling);

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
