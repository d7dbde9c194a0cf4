#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace headroom::text {

/// The ranked merges of a byte pair encoding (Sennrich et al. 2016): which two adjacent tokens become one,
/// and which pair goes first.
class MergeTable {
 public:
  void reserve(std::size_t count) { m_merges.reserve(count); }
  /// The pair with the lowest rank merges first. A pair that is known already keeps its first rank.
  void add(int left, int right, int rank, int merged);
  /// Merges until no pair is left that could: lowest rank first, then leftmost. Entries below 0 stand for
  /// what is no token; they stay as they are.
  void apply(std::vector<int>& tokens) const;

 private:
  struct Merge {
    int rank = 0;
    int token = 0;
  };
  std::unordered_map<std::uint64_t, Merge> m_merges;  ///< by left token << 32 | right token
};

}  // namespace headroom::text
