#include "core/reference/matrices.h"

#include <Eigen/Core>
#include <algorithm>
#include <cassert>
#include <cmath>

namespace headroom::reference {

namespace {
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<const RowMajor> view(const Matrix& matrix) {
  return {matrix.values.data(), matrix.rows, matrix.columns};
}

Matrix toMatrix(const model::Tensor& tensor) {
  Matrix matrix(tensor.rows, tensor.columns);
  std::vector<float> row(static_cast<std::size_t>(tensor.columns));
  for (std::int64_t i = 0; i < tensor.rows; ++i) {
    tensor.readRow(i, row);
    std::copy(row.begin(), row.end(), matrix.row(i).begin());
  }
  return matrix;
}
}  // namespace

ModelMatrices toMatrices(const model::Weights& weights) {
  ModelMatrices result;
  result.tokenEmbedding = toMatrix(weights.tokenEmbedding);
  result.outputNorm = toMatrix(weights.outputNorm);
  if (!weights.tied()) result.output = toMatrix(weights.output);
  for (const model::LayerWeights& layer : weights.layers) {
    result.layers.push_back({
        .attentionNorm = toMatrix(layer.attentionNorm),
        .query = toMatrix(layer.query),
        .key = toMatrix(layer.key),
        .value = toMatrix(layer.value),
        .attentionOutput = toMatrix(layer.attentionOutput),
        .ffnNorm = toMatrix(layer.ffnNorm),
        .ffnGate = toMatrix(layer.ffnGate),
        .ffnUp = toMatrix(layer.ffnUp),
        .ffnDown = toMatrix(layer.ffnDown),
    });
  }
  return result;
}

Matrix project(const Matrix& x, const Matrix& weights) {
  assert(x.columns == weights.columns);
  Matrix result(x.rows, weights.rows);
  Eigen::Map<RowMajor>(result.values.data(), result.rows, result.columns).noalias() =
      view(x) * view(weights).transpose();
  return result;
}

void addTo(Matrix& x, const Matrix& delta) {
  assert(x.size() == delta.size());
  std::transform(x.values.begin(), x.values.end(), delta.values.begin(), x.values.begin(), std::plus<>());
}

Matrix rmsNorm(const Matrix& x, const Matrix& weight, double epsilon) {
  Matrix result(x.rows, x.columns);
  for (std::int64_t token = 0; token < x.rows; ++token) {
    const auto from = x.row(token);
    const auto to = result.row(token);
    double squares = 0.0;
    for (double value : from) squares += value * value;
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(x.columns) + epsilon);
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = from[i] * scale * weight.values[i];
  }
  return result;
}

void applyRope(Matrix& rows, int firstPosition, const model::ModelConfig& config) {
  const auto headDim = static_cast<std::size_t>(config.attention.headDim);
  const auto pairCount = static_cast<std::size_t>(config.ropeDim / 2);
  const bool adjacent = config.ropePairing == model::RopePairing::Adjacent;
  for (std::int64_t token = 0; token < rows.rows; ++token) {
    const double position = static_cast<double>(firstPosition + token);
    const auto row = rows.row(token);
    for (std::size_t pair = 0; pair < pairCount; ++pair) {
      const double exponent = -2.0 * static_cast<double>(pair) / config.ropeDim;
      const double angle = position * std::pow(static_cast<double>(config.ropeBase), exponent);
      const double cosine = std::cos(angle);
      const double sine = std::sin(angle);
      const std::size_t first = adjacent ? 2 * pair : pair;
      const std::size_t second = adjacent ? 2 * pair + 1 : pair + pairCount;
      for (std::size_t head = 0; head < row.size(); head += headDim) {
        const double a = row[head + first];
        const double b = row[head + second];
        row[head + first] = a * cosine - b * sine;
        row[head + second] = a * sine + b * cosine;
      }
    }
  }
}

Matrix swiGlu(const Matrix& gate, const Matrix& up) {
  Matrix result(gate.rows, gate.columns);
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] = gate.values[i] / (1.0 + std::exp(-gate.values[i])) * up.values[i];
  }
  return result;
}

}  // namespace headroom::reference
