#include "core/analysis/linear_cka.h"

#include <Eigen/Core>
#include <algorithm>
#include <limits>

namespace headroom::analysis {

namespace {
using CrossProducts = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Deviations from the mean whose squares sum to a smaller share of all squares are rounding: floats of one
/// vector, computed in different blocks, lie 1e-7 apart.
constexpr double kNoVariation = 1e-12;
}  // namespace

std::vector<double> linearCka(const SecondMoments& vectors, int headCount) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> similarities(static_cast<std::size_t>(headCount) * static_cast<std::size_t>(headCount),
                                   kNone);
  if (vectors.count() == 0) return similarities;
  const std::vector<double> products = vectors.products();
  const Eigen::Map<const CrossProducts> raw(products.data(), vectors.columns(), vectors.columns());
  const Eigen::Map<const Eigen::VectorXd> sums(vectors.sums().data(), vectors.columns());
  const CrossProducts centred = raw - sums * sums.transpose() / static_cast<double>(vectors.count());
  const Eigen::Index headDim = vectors.columns() / headCount;
  const auto blockOf = [&](int head, int other) {
    return centred.block(head * headDim, other * headDim, headDim, headDim);
  };
  const auto varies = [&](int head) {
    const auto diagonal = raw.diagonal().segment(head * headDim, headDim);
    return blockOf(head, head).trace() > kNoVariation * diagonal.sum();
  };
  for (int head = 0; head < headCount; ++head) {
    for (int other = 0; other < headCount; ++other) {
      if (!varies(head) || !varies(other)) continue;
      similarities[static_cast<std::size_t>(head * headCount + other)] =
          std::min(1.0, blockOf(head, other).squaredNorm() /
                            (blockOf(head, head).norm() * blockOf(other, other).norm()));
    }
  }
  return similarities;
}

}  // namespace headroom::analysis
