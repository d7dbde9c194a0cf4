#include "core/analysis/copying_score.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace headroom::analysis {

namespace {

using CircuitMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Rows `first` to `first + count` of a tensor, [count][columns].
CircuitMatrix rowsOf(const model::Tensor& tensor, std::int64_t first, std::int64_t count) {
  CircuitMatrix rows(count, tensor.columns);
  std::vector<float> row(static_cast<std::size_t>(tensor.columns));
  for (std::int64_t index = 0; index < count; ++index) {
    tensor.readRow(first + index, row);
    rows.row(index) = Eigen::Map<const Eigen::RowVectorXf>(row.data(), tensor.columns).cast<double>();
  }
  return rows;
}

/// The gain of a norm, [modelDim]; ones of a model that has none there.
Eigen::VectorXd gainOf(const model::Tensor& norm, int modelDim) {
  if (norm.empty()) return Eigen::VectorXd::Ones(modelDim);
  return rowsOf(norm, 0, 1).row(0).transpose();
}

/// W_E^T W_U, [modelDim][modelDim]: from what a token is to what makes it likely. None when it was stopped.
std::optional<CircuitMatrix> tokenProducts(const model::Weights& weights, const std::function<bool()>& stop) {
  const std::int64_t modelDim = weights.tokenEmbedding.columns;
  const std::int64_t vocabSize = weights.tokenEmbedding.rows;
  constexpr std::int64_t kBlockOperations = 1'000'000'000;
  const std::int64_t most = std::clamp<std::int64_t>(kBlockOperations / (modelDim * modelDim), 32, 1024);
  CircuitMatrix products = CircuitMatrix::Zero(modelDim, modelDim);
  for (std::int64_t first = 0; first < vocabSize; first += most) {
    if (stop()) return std::nullopt;
    const std::int64_t count = std::min(most, vocabSize - first);
    const CircuitMatrix embedding = rowsOf(weights.tokenEmbedding, first, count);
    if (weights.tied()) {
      products.selfadjointView<Eigen::Lower>().rankUpdate(embedding.transpose());
    } else {
      products.noalias() += embedding.transpose() * rowsOf(weights.output, first, count);
    }
  }
  if (weights.tied()) products = CircuitMatrix(products.selfadjointView<Eigen::Lower>());
  return products;
}

/// Sum of the eigenvalues over the sum of their moduli.
double signOf(const CircuitMatrix& circuit) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (!circuit.allFinite() || circuit.isZero(0.0)) return kNone;
  const Eigen::EigenSolver<CircuitMatrix> solver(circuit, false);
  if (solver.info() != Eigen::Success) return kNone;
  const double moduli = solver.eigenvalues().cwiseAbs().sum();
  return moduli > 0.0 ? solver.eigenvalues().real().sum() / moduli : kNone;
}

}  // namespace

std::vector<std::vector<double>> copyingScores(const model::Model& model, const std::function<bool()>& stop) {
  const model::ModelConfig& config = model.config;
  const model::AttentionShape& heads = config.attention;
  const bool isCentred = config.traits.norm == model::Norm::Layer;
  const std::optional<CircuitMatrix> products = tokenProducts(model.weights, stop);
  if (!products) return {};
  const Eigen::VectorXd lastGain = gainOf(model.weights.outputNorm, config.modelDim);
  std::vector<std::vector<double>> scores;
  for (const model::LayerWeights& layer : model.weights.layers) {
    if (stop()) return {};
    CircuitMatrix read =
        rowsOf(layer.value, 0, layer.value.rows) * gainOf(layer.attentionNorm, config.modelDim).asDiagonal();
    CircuitMatrix written = rowsOf(layer.attentionOutput, 0, layer.attentionOutput.rows);
    if (!layer.attentionPostNorm.empty())
      written = gainOf(layer.attentionPostNorm, config.modelDim).asDiagonal() * written;
    if (isCentred) {
      read.colwise() -= Eigen::VectorXd(read.rowwise().mean());
      written.rowwise() -= Eigen::RowVectorXd(written.colwise().mean());
    }
    written = lastGain.asDiagonal() * written;
    std::vector<double>& ofLayer = scores.emplace_back();
    for (int head = 0; head < heads.queryHeadCount; ++head) {
      if (stop()) return {};
      const CircuitMatrix said = *products * written.middleCols(head * heads.headDim, heads.headDim);
      ofLayer.push_back(signOf(read.middleRows(heads.kvHeadOf(head) * heads.headDim, heads.headDim) * said));
    }
  }
  return scores;
}

double copyingOperations(const model::Model& model) {
  const auto modelDim = static_cast<double>(model.config.modelDim);
  const auto headDim = static_cast<double>(model.config.attention.headDim);
  const auto queryDim = static_cast<double>(model.config.attention.queryDim());
  // Of a symmetric product one half is enough; finding eigenvalues takes about ten products of their matrix.
  const double tokens =
      static_cast<double>(model.config.vocabSize) * modelDim * modelDim * (model.weights.tied() ? 0.5 : 1.0);
  const double layer =
      modelDim * modelDim * queryDim + modelDim * queryDim * headDim + 10.0 * queryDim * headDim * headDim;
  return tokens + static_cast<double>(model.config.layerCount) * layer;
}

}  // namespace headroom::analysis
