#include "core/text/byte_trie.h"

#include <algorithm>

namespace headroom::text {

ByteTrie::ByteTrie(std::vector<std::pair<std::string_view, int>> entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  // The entries below each node, in the order of the nodes; they share the node's first `depth` bytes.
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t depth = 0;
  };
  std::vector<Range> ranges = {{0, entries.size(), 0}};
  m_nodes.emplace_back();
  for (std::size_t node = 0; node < m_nodes.size(); ++node) {
    auto [at, end, depth] = ranges[node];
    // Sorted, the strings that end here come first.
    while (at < end && entries[at].first.size() == depth) {
      if (depth > 0 && m_nodes[node].number < 0) m_nodes[node].number = entries[at].second;
      ++at;
    }
    m_nodes[node].firstChild = static_cast<std::uint32_t>(m_nodes.size());
    while (at < end) {
      const char byte = entries[at].first[depth];
      const std::size_t begin = at;
      while (at < end && entries[at].first[depth] == byte) ++at;
      m_nodes.push_back({.byte = static_cast<std::uint8_t>(byte)});
      ranges.push_back({begin, at, depth + 1});
      ++m_nodes[node].childCount;
    }
  }
}

std::size_t ByteTrie::child(std::size_t node, std::uint8_t byte) const {
  const auto first = m_nodes.begin() + m_nodes[node].firstChild;
  const auto last = first + m_nodes[node].childCount;
  const auto found =
      std::lower_bound(first, last, byte, [](const Node& child, std::uint8_t b) { return child.byte < b; });
  return found != last && found->byte == byte ? static_cast<std::size_t>(found - m_nodes.begin()) : 0;
}

}  // namespace headroom::text
