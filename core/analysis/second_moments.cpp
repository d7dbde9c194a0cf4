#include "core/analysis/second_moments.h"

#include <Eigen/Core>

namespace headroom::analysis {

namespace {
using Products = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vectors = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
}  // namespace

void SecondMoments::add(std::span<const float> vectors) {
  const auto count = static_cast<Eigen::Index>(vectors.size()) / m_columns;
  if (count == 0) return;
  m_sums.resize(static_cast<std::size_t>(m_columns));
  m_products.resize(static_cast<std::size_t>(m_columns) * static_cast<std::size_t>(m_columns));
  const Products added = Eigen::Map<const Vectors>(vectors.data(), count, m_columns).cast<double>();
  Eigen::Map<Eigen::RowVectorXd>(m_sums.data(), m_columns) += added.colwise().sum();
  // One triangle takes half of the time.
  Eigen::Map<Products>(m_products.data(), m_columns, m_columns)
      .selfadjointView<Eigen::Lower>()
      .rankUpdate(added.transpose());
  m_count += count;
}

std::vector<double> SecondMoments::products() const {
  std::vector<double> all(m_products.size());
  if (all.empty()) return all;
  Eigen::Map<Products>(all.data(), m_columns, m_columns) =
      Eigen::Map<const Products>(m_products.data(), m_columns, m_columns).selfadjointView<Eigen::Lower>();
  return all;
}

}  // namespace headroom::analysis
