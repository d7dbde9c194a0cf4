#include "core/reference/matrices.h"

#include <Eigen/Core>
#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "core/model/gelu_table.h"

namespace headroom::reference {

namespace {
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<const RowMajor> view(const Matrix& matrix) {
  return {matrix.values.data(), matrix.rows, matrix.columns};
}
}  // namespace

Matrix toMatrix(const model::Tensor& tensor) {
  Matrix matrix(tensor.rows, tensor.columns);
  std::vector<float> row(static_cast<std::size_t>(tensor.columns));
  for (std::int64_t i = 0; i < tensor.rows; ++i) {
    tensor.readRow(i, row);
    std::copy(row.begin(), row.end(), matrix.row(i).begin());
  }
  return matrix;
}

ModelMatrices toMatrices(const model::Weights& weights) {
  ModelMatrices result;
  result.tokenEmbedding = toMatrix(weights.tokenEmbedding);
  result.positionEmbedding = toMatrix(weights.positionEmbedding);
  result.outputNorm = {toMatrix(weights.outputNorm), toMatrix(weights.outputNormBias)};
  if (!weights.tied()) result.output.weights = toMatrix(weights.output);
  result.output.bias = toMatrix(weights.outputBias);
  for (const model::LayerWeights& layer : weights.layers) {
    result.layers.push_back({
        .attentionNorm = {toMatrix(layer.attentionNorm), toMatrix(layer.attentionNormBias)},
        .query = {toMatrix(layer.query), toMatrix(layer.queryBias)},
        .key = {toMatrix(layer.key), toMatrix(layer.keyBias)},
        .value = {toMatrix(layer.value), toMatrix(layer.valueBias)},
        .queryNorm = toMatrix(layer.queryNorm),
        .keyNorm = toMatrix(layer.keyNorm),
        .attentionOutput = {toMatrix(layer.attentionOutput), toMatrix(layer.attentionOutputBias)},
        .attentionPostNorm = toMatrix(layer.attentionPostNorm),
        .ffnNorm = {toMatrix(layer.ffnNorm), toMatrix(layer.ffnNormBias)},
        .ffnGate = {toMatrix(layer.ffnGate), toMatrix(layer.ffnGateBias)},
        .ffnUp = {toMatrix(layer.ffnUp), toMatrix(layer.ffnUpBias)},
        .ffnDown = {toMatrix(layer.ffnDown), toMatrix(layer.ffnDownBias)},
        .ffnPostNorm = toMatrix(layer.ffnPostNorm),
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

void addToRows(Matrix& x, const Matrix& bias) {
  if (bias.size() == 0) return;
  assert(bias.columns == x.columns);
  for (std::int64_t row = 0; row < x.rows; ++row) {
    const auto values = x.row(row);
    std::transform(values.begin(), values.end(), bias.values.begin(), values.begin(), std::plus<>());
  }
}

Matrix project(const Matrix& x, const Projection& projection) {
  Matrix result = project(x, projection.weights);
  addToRows(result, projection.bias);
  return result;
}

Matrix rmsNorm(const Matrix& x, const Matrix& gain, double epsilon) {
  Matrix result = x;
  const auto stretch = static_cast<std::size_t>(gain.columns);
  for (std::size_t start = 0; start < result.values.size(); start += stretch) {
    const std::span<double> values = std::span(result.values).subspan(start, stretch);
    double squares = 0.0;
    for (double value : values) squares += value * value;
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(stretch) + epsilon);
    for (std::size_t i = 0; i < stretch; ++i) values[i] *= scale * gain.values[i];
  }
  return result;
}

Matrix layerNorm(const Matrix& x, const NormWeights& weights, double epsilon) {
  Matrix result = x;
  const auto columns = static_cast<double>(x.columns);
  for (std::int64_t token = 0; token < x.rows; ++token) {
    const std::span<double> values = result.row(token);
    double mean = 0.0;
    for (double value : values) mean += value / columns;
    double squares = 0.0;
    for (double& value : values) {
      value -= mean;
      squares += value * value;
    }
    const double scale = 1.0 / std::sqrt(squares / columns + epsilon);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= scale * weights.gain.values[i];
  }
  addToRows(result, weights.bias);
  return result;
}

Matrix normalise(const Matrix& x, const NormWeights& weights, const model::ModelConfig& config) {
  return config.traits.norm == model::Norm::Rms ? rmsNorm(x, weights.gain, config.normEpsilon)
                                                : layerNorm(x, weights, config.normEpsilon);
}

Matrix logitsOf(const Matrix& normed, const Matrix& output, const Matrix& bias,
                const model::ModelConfig& config) {
  Matrix logits = project(normed, output);
  addToRows(logits, bias);
  for (double& logit : logits.values) logit = softCapped(logit, static_cast<double>(config.logitSoftCap));
  return logits;
}

void applyRope(Matrix& rows, int firstPosition, const model::ModelConfig& config,
               const model::RopeTable& table) {
  const auto headDim = static_cast<std::size_t>(config.attention.headDim);
  const std::size_t pairCount = table.frequencies.size();
  const bool adjacent = config.traits.ropePairing == model::RopePairing::Adjacent;
  for (std::int64_t token = 0; token < rows.rows; ++token) {
    const double position = static_cast<double>(firstPosition + token);
    const auto row = rows.row(token);
    for (std::size_t pair = 0; pair < pairCount; ++pair) {
      const double angle = position * table.frequencies[pair];
      const double cosine = table.magnitude * std::cos(angle);
      const double sine = table.magnitude * std::sin(angle);
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

ActivationFunction::ActivationFunction(model::Activation kind) : m_kind(kind) {
  if (kind == model::Activation::GeluTable) m_table = model::geluTable();
}

double ActivationFunction::operator()(double x) const {
  switch (m_kind) {
    case model::Activation::Silu:
      return x / (1.0 + std::exp(-x));
    case model::Activation::GeluTanh:
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case model::Activation::GeluErf:
      return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
    case model::Activation::GeluTable:
      return model::throughGeluTable(m_table, x);
  }
  return x;
}

Matrix ActivationFunction::operator()(const Matrix& gate, const Matrix& up) const {
  Matrix result = up;
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] = gate.size() > 0 ? (*this)(gate.values[i]) * up.values[i] : (*this)(up.values[i]);
  }
  return result;
}

double softCapped(double x, double cap) {
  return cap > 0.0 ? cap * std::tanh(x / cap) : x;
}

}  // namespace headroom::reference
