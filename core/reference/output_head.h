#pragma once

#include <optional>
#include <span>

#include "core/model/model.h"
#include "core/reference/matrices.h"

namespace headroom::reference {

/// A logit, or the difference of two, as a linear function of the residual stream: what the last norm divides
/// by is held at its value for one row. Before a soft cap, which is not linear.
struct FrozenLogit {
  Matrix direction;   ///< [1][modelDim]
  double bias = 0.0;  ///< what the norm's bias and the output's add whatever the stream is

  /// What a summand of that row, [modelDim], adds to the logit.
  double of(std::span<const double> part) const;
};

/// What a model makes logits of: its last norm and output matrix, in float64, with bias and soft cap where it
/// has them. The output matrix stays as it is stored.
class OutputHead {
 public:
  /// `model` outlives it.
  explicit OutputHead(const model::Model& model);

  /// Logits of rows of the residual stream, [rows][modelDim]: [rows][vocabSize].
  Matrix logits(const Matrix& stream) const;

  /// Of `token`, less `other` where there is one, at the scale of `row` of the stream, [modelDim]. Where the
  /// norm takes means away, the direction has them taken away.
  FrozenLogit frozenAt(std::span<const double> row, int token, std::optional<int> other) const;

 private:
  const model::Model& m_model;
  NormWeights m_norm;
  Matrix m_bias;
};

}  // namespace headroom::reference
