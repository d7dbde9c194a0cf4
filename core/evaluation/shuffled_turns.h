#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <random>
#include <vector>

namespace headroom::evaluation {

/// Rounds in which every subject of a measurement has one turn, in another order each time: what changes on
/// the machine in the meantime hits all of them alike.
class ShuffledTurns {
 public:
  ShuffledTurns(std::size_t subjects, std::mt19937& random) : m_order(subjects), m_random(random) {
    std::iota(m_order.begin(), m_order.end(), std::size_t{0});
  }

  /// One round; false when `turn` (of a subject) said so, which ends it.
  template <typename Turn>
  bool round(const Turn& turn) {
    std::ranges::shuffle(m_order, m_random);
    return std::ranges::all_of(m_order, turn);
  }

 private:
  std::vector<std::size_t> m_order;
  std::mt19937& m_random;
};

}  // namespace headroom::evaluation
