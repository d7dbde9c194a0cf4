#include "core/reference/output_head.h"

#include <algorithm>

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

}  // namespace headroom::reference
