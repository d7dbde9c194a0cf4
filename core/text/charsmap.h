#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::text {

/// The normalisation that a SentencePiece model carries: a table of strings and what stands for each, "ﬁ" for
/// "fi", as its normalizer compiles it. The table is a double array trie (Aoe 1989) in the form of the
/// darts-clone library.
class Charsmap {
 public:
  /// Changes nothing.
  Charsmap() = default;
  /// `compiled`: the trie's length in bytes (32 bits, little-endian), the trie, the replacements with a zero
  /// byte after each. Throws model::Error when the lengths do not fit each other.
  explicit Charsmap(std::string_view compiled);

  /// `text` with the longest entry at each place replaced. Throws model::Error where the table points outside
  /// itself.
  std::string normalize(std::string_view text) const;

 private:
  struct Entry {
    std::size_t length = 0;  ///< bytes of the text; 0 when no entry begins there
    std::size_t replacement = 0;
  };
  Entry longestEntry(std::string_view text) const;
  std::uint32_t unit(std::size_t index) const;

  std::vector<std::uint32_t> m_trie;
  std::string m_replacements;
};

}  // namespace headroom::text
