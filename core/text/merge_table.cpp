#include "core/text/merge_table.h"

#include <queue>

namespace headroom::text {

namespace {
std::uint64_t pairKey(int left, int right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

/// A merge waiting to be done at piece `left`; outdated when the two pieces have changed since.
struct PendingMerge {
  int rank = 0;
  int left = 0;
  int leftToken = 0;
  int rightToken = 0;
  int merged = 0;
  // Lowest rank first, then leftmost.
  bool operator<(const PendingMerge& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

/// A node of the doubly linked list of a word's pieces.
struct Piece {
  int token = 0;
  int previous = 0;
  int next = 0;
  bool isMergedAway = false;
};
}  // namespace

void MergeTable::add(int left, int right, int rank, int merged) {
  m_merges.emplace(pairKey(left, right), Merge{rank, merged});
}

void MergeTable::apply(std::vector<int>& tokens) const {
  if (tokens.size() < 2) return;
  const int last = static_cast<int>(tokens.size()) - 1;
  std::vector<Piece> pieces(tokens.size());
  for (int i = 0; i <= last; ++i) pieces[i] = {tokens[i], i - 1, i == last ? -1 : i + 1};
  std::priority_queue<PendingMerge> pending;
  const auto consider = [&](int left) {
    if (left < 0 || pieces[left].next < 0) return;
    const int leftToken = pieces[left].token;
    const int rightToken = pieces[pieces[left].next].token;
    if (leftToken < 0 || rightToken < 0) return;
    const auto found = m_merges.find(pairKey(leftToken, rightToken));
    if (found == m_merges.end()) return;
    pending.push({found->second.rank, left, leftToken, rightToken, found->second.token});
  };
  for (int i = 0; i < last; ++i) consider(i);
  while (!pending.empty()) {
    const PendingMerge merge = pending.top();
    pending.pop();
    Piece& left = pieces[merge.left];
    if (left.isMergedAway || left.token != merge.leftToken || left.next < 0) continue;
    Piece& right = pieces[left.next];
    if (right.token != merge.rightToken) continue;
    left.token = merge.merged;
    right.isMergedAway = true;
    left.next = right.next;
    if (left.next >= 0) pieces[left.next].previous = merge.left;
    consider(left.previous);
    consider(merge.left);
  }
  tokens.clear();
  for (int i = 0; i >= 0; i = pieces[i].next) tokens.push_back(pieces[i].token);
}

}  // namespace headroom::text
