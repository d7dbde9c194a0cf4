#include "core/analysis/subspaces.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace headroom::analysis {

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Square roots of the eigenvalues of X^T X.
Subspace subspaceOf(const Eigen::Ref<const Matrix>& products, int bound) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(products, Eigen::EigenvaluesOnly);
  Subspace subspace{.singularValues = {}, .bound = bound};
  for (Eigen::Index index = solver.eigenvalues().size() - 1; index >= 0; --index)
    subspace.singularValues.push_back(std::sqrt(std::max(0.0, solver.eigenvalues()[index])));
  subspace.singularValues.resize(static_cast<std::size_t>(bound));
  return subspace;
}

Subspace weightSubspace(const model::Tensor& tensor) {
  const std::vector<float> values = tensor.toFloat();
  const Eigen::Map<const FloatMatrix> stored(values.data(), tensor.rows, tensor.columns);
  const Matrix weights = stored.cast<double>();
  const auto bound = static_cast<int>(std::min(tensor.rows, tensor.columns));
  if (tensor.rows <= tensor.columns) return subspaceOf(weights * weights.transpose(), bound);
  return subspaceOf(weights.transpose() * weights, bound);
}

}  // namespace

double Subspace::effectiveRank() const {
  double sum = 0.0;
  for (const double value : singularValues) sum += value;
  if (sum <= 0.0) return 0.0;
  double entropy = 0.0;
  for (const double value : singularValues) {
    if (value > 0.0) entropy -= value / sum * std::log(value / sum);
  }
  return std::exp(entropy);
}

double Subspace::participationRatio() const {
  double squares = 0.0, fourths = 0.0;
  for (const double value : singularValues) {
    squares += value * value;
    fourths += value * value * value * value;
  }
  return fourths > 0.0 ? squares * squares / fourths : 0.0;
}

bool hasSubspaces(const model::AttentionShape& attention) {
  return attention.kvHeadCount * attention.headDim <= kMostSubspaceColumns;
}

std::vector<LayerSubspaces> weightSubspaces(const model::Model& model) {
  std::vector<LayerSubspaces> layers;
  if (!hasSubspaces(model.config.attention)) return layers;
  for (const model::LayerWeights& layer : model.weights.layers)
    layers.push_back({weightSubspace(layer.key), weightSubspace(layer.value)});
  return layers;
}

Subspace subspaceOf(const SecondMoments& moments) {
  if (moments.count() == 0) return {};
  const auto bound = static_cast<int>(std::min<std::int64_t>(moments.columns(), moments.count()));
  const std::vector<double> products = moments.products();
  return subspaceOf(Eigen::Map<const Matrix>(products.data(), moments.columns(), moments.columns()), bound);
}

}  // namespace headroom::analysis
