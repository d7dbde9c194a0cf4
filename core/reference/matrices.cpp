#include "core/reference/matrices.h"

#include <cmath>

namespace headroom::reference {

namespace {
Matrix toMatrix(const model::Tensor& tensor) {
  Matrix matrix(tensor.rows, tensor.columns);
  std::vector<float> row(static_cast<std::size_t>(tensor.columns));
  for (std::int64_t i = 0; i < tensor.rows; ++i) {
    tensor.readRow(i, row);
    for (std::int64_t j = 0; j < tensor.columns; ++j) matrix(i, j) = row[static_cast<std::size_t>(j)];
  }
  return matrix;
}

RowVector toVector(const model::Tensor& tensor) {
  return toMatrix(tensor).row(0);
}
}  // namespace

ModelMatrices toMatrices(const model::Weights& weights) {
  ModelMatrices result;
  result.tokenEmbedding = toMatrix(weights.tokenEmbedding);
  result.outputNorm = toVector(weights.outputNorm);
  if (!weights.tied()) result.output = toMatrix(weights.output);
  for (const model::LayerWeights& layer : weights.layers) {
    result.layers.push_back({
        .attentionNorm = toVector(layer.attentionNorm),
        .query = toMatrix(layer.query),
        .key = toMatrix(layer.key),
        .value = toMatrix(layer.value),
        .attentionOutput = toMatrix(layer.attentionOutput),
        .ffnNorm = toVector(layer.ffnNorm),
        .ffnGate = toMatrix(layer.ffnGate),
        .ffnUp = toMatrix(layer.ffnUp),
        .ffnDown = toMatrix(layer.ffnDown),
    });
  }
  return result;
}

Matrix rmsNorm(const Matrix& x, const RowVector& weight, double epsilon) {
  Matrix result(x.rows(), x.cols());
  for (Eigen::Index token = 0; token < x.rows(); ++token) {
    const double meanSquare = x.row(token).squaredNorm() / static_cast<double>(x.cols());
    result.row(token) = x.row(token).cwiseProduct(weight) / std::sqrt(meanSquare + epsilon);
  }
  return result;
}

void applyRope(Matrix& rows, int firstPosition, const model::ModelConfig& config) {
  const int headDim = config.attention.headDim;
  const int pairCount = config.ropeDim / 2;
  const bool adjacent = config.ropePairing == model::RopePairing::Adjacent;
  for (Eigen::Index token = 0; token < rows.rows(); ++token) {
    const double position = static_cast<double>(firstPosition + token);
    for (int pair = 0; pair < pairCount; ++pair) {
      const double angle =
          position * std::pow(static_cast<double>(config.ropeBase), -2.0 * pair / config.ropeDim);
      const double cosine = std::cos(angle);
      const double sine = std::sin(angle);
      const int first = adjacent ? 2 * pair : pair;
      const int second = adjacent ? 2 * pair + 1 : pair + pairCount;
      for (Eigen::Index head = 0; head < rows.cols(); head += headDim) {
        const double a = rows(token, head + first);
        const double b = rows(token, head + second);
        rows(token, head + first) = a * cosine - b * sine;
        rows(token, head + second) = a * sine + b * cosine;
      }
    }
  }
}

Matrix silu(const Matrix& x) {
  return x.array() / (1.0 + (-x.array()).exp());
}

}  // namespace headroom::reference
