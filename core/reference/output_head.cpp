#include "core/reference/output_head.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace headroom::reference {

namespace {
/// Rows of the output matrix that are widened at once.
constexpr std::int64_t kRows = 256;

/// `count` elements of a vector from `first` on; none of one without any.
Matrix part(const Matrix& vector, std::int64_t first, std::int64_t count) {
  if (vector.size() == 0) return {};
  Matrix result(1, count);
  std::copy_n(vector.values.begin() + first, count, result.values.begin());
  return result;
}
}  // namespace

double FrozenLogit::of(std::span<const double> part) const {
  assert(std::ssize(part) == direction.columns);
  return std::inner_product(part.begin(), part.end(), direction.values.begin(), 0.0);
}

OutputHead::OutputHead(const model::Model& model)
    : m_model(model),
      m_norm{toMatrix(model.weights.outputNorm), toMatrix(model.weights.outputNormBias)},
      m_bias(toMatrix(model.weights.outputBias)) {}

Matrix OutputHead::logits(const Matrix& stream) const {
  const Matrix normed = normalise(stream, m_norm, m_model.config);
  Matrix all(stream.rows, m_model.config.vocabSize);
  for (std::int64_t first = 0; first < all.columns; first += kRows) {
    const std::int64_t count = std::min(kRows, all.columns - first);
    const Matrix some = logitsOf(normed, toMatrix(m_model.weights.output.rowsFrom(first, count)),
                                 part(m_bias, first, count), m_model.config);
    for (std::int64_t row = 0; row < all.rows; ++row)
      std::ranges::copy(some.row(row), all.row(row).begin() + first);
  }
  return all;
}

FrozenLogit OutputHead::frozenAt(std::span<const double> row, int token, std::optional<int> other) const {
  const model::ModelConfig& config = m_model.config;
  FrozenLogit logit{.direction = toMatrix(m_model.weights.output.rowsFrom(token, 1))};
  std::vector<double>& direction = logit.direction.values;
  const auto biasOf = [&](int id) {
    return m_bias.size() > 0 ? m_bias.values[static_cast<std::size_t>(id)] : 0.0;
  };
  logit.bias = biasOf(token);
  if (other) {
    const Matrix taken = toMatrix(m_model.weights.output.rowsFrom(*other, 1));
    std::ranges::transform(direction, taken.values, direction.begin(), std::minus<>());
    logit.bias -= biasOf(*other);
  }
  if (m_norm.bias.size() > 0) logit.bias += logit.of(m_norm.bias.values);
  const bool centres = config.traits.norm == model::Norm::Layer;
  const auto columns = static_cast<double>(row.size());
  const double mean = centres ? std::accumulate(row.begin(), row.end(), 0.0) / columns : 0.0;
  double squares = 0.0;
  for (const double value : row) squares += (value - mean) * (value - mean);
  const double scale = 1.0 / std::sqrt(squares / columns + static_cast<double>(config.normEpsilon));
  for (std::size_t i = 0; i < direction.size(); ++i) direction[i] *= scale * m_norm.gain.values[i];
  if (!centres) return logit;
  // (x - mean(x)) d = x (d - mean(d)).
  const double common = std::accumulate(direction.begin(), direction.end(), 0.0) / columns;
  for (double& value : direction) value -= common;
  return logit;
}

}  // namespace headroom::reference
