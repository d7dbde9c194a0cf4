#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace headroom::analysis {

/// Sums over vectors that come in any portions, and over the products of their elements, in constant memory.
class SecondMoments {
 public:
  explicit SecondMoments(int columns) : m_columns(columns) {}

  /// Adds `vectors`, [count][columns].
  void add(std::span<const float> vectors);

  int columns() const { return m_columns; }
  /// Vectors so far.
  std::int64_t count() const { return m_count; }
  /// Of the vectors: [columns]; empty before the first one.
  std::span<const double> sums() const { return m_sums; }
  /// Of the products x x^T of each vector x with itself: [columns][columns], symmetric; empty before the
  /// first one.
  std::vector<double> products() const;

 private:
  int m_columns;
  std::int64_t m_count = 0;
  std::vector<double> m_sums;      // [columns]; empty before the first vector
  std::vector<double> m_products;  // [columns][columns], up to the diagonal; empty before the first vector
};

}  // namespace headroom::analysis
