#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace headroom::text {

/// What is shown as one: a character with the marks that belong to it (a grapheme cluster, Unicode UAX #29),
/// or a byte that is part of no character.
struct TextCluster {
  enum class Kind {
    Character,
    Space,
    LineFeed,
    Byte,  ///< outside UTF-8, or a control character: shown as displayText() of it
  };
  std::size_t first = 0;  ///< byte
  std::size_t end = 0;    ///< byte behind the last
  Kind kind = Kind::Character;
  /// U+0000 where the cluster is no single code point.
  char32_t codePoint = 0;
  /// Stands in a right-to-left run: is of such a script, or between such characters, in a left-to-right
  /// paragraph (Unicode UAX #9 without explicit embeddings).
  bool rightToLeft = false;
  /// Whether the last letter before it is of a right-to-left script.
  bool followsRightToLeft = false;
  /// Between brackets of which the first stands in a right-to-left run, so that the second may have to.
  bool inRightToLeftBrackets = false;
  /// Takes the place of two letters (Chinese, Japanese, Korean, emoji), so that lines may break beside it.
  bool wide = false;
};

/// The clusters of `bytes`, which together are all of them. `followsRightToLeft` is of the first: whether
/// what stands before `bytes` in the same paragraph is right-to-left.
std::vector<TextCluster> textClusters(std::string_view bytes, bool followsRightToLeft = false);

/// The first cluster that more text behind the last could change, with `clusters` as textClusters() gave
/// them.
std::size_t firstUnsettled(const std::vector<TextCluster>& clusters);

}  // namespace headroom::text
