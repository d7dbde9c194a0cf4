#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::text {

/// A set of strings, each with a number, that answers which of them begin at a place in a text. Holds 12
/// bytes per byte of the strings at most.
class ByteTrie {
 public:
  ByteTrie() = default;
  /// Strings and their numbers (0 or more). Empty strings are left out; of equal ones the first counts.
  explicit ByteTrie(std::vector<std::pair<std::string_view, int>> entries);

  bool empty() const { return m_nodes.size() <= 1; }

  /// Calls `onMatch(length, number)` for every string that `text` begins with, shortest first.
  template <typename OnMatch>
  void forEachPrefix(std::string_view text, OnMatch onMatch) const {
    if (empty()) return;
    std::size_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<std::uint8_t>(text[i]));
      if (node == 0) return;
      if (m_nodes[node].number >= 0) onMatch(i + 1, m_nodes[node].number);
    }
  }

 private:
  struct Node {
    std::uint32_t firstChild = 0;
    int number = -1;
    std::uint16_t childCount = 0;  ///< children stand side by side, in the order of their bytes
    std::uint8_t byte = 0;
  };
  /// 0, which is no child of any node, when there is none.
  std::size_t child(std::size_t node, std::uint8_t byte) const;

  std::vector<Node> m_nodes;
};

}  // namespace headroom::text
