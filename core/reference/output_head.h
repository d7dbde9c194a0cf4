#pragma once

#include "core/model/model.h"
#include "core/reference/matrices.h"

namespace headroom::reference {

/// What a model makes logits of: its last norm and output matrix, in float64, with bias and soft cap where it
/// has them. The output matrix stays as it is stored.
class OutputHead {
 public:
  /// `model` outlives it.
  explicit OutputHead(const model::Model& model);

  /// Logits of rows of the residual stream, [rows][modelDim]: [rows][vocabSize].
  Matrix logits(const Matrix& stream) const;

 private:
  const model::Model& m_model;
  NormWeights m_norm;
  Matrix m_bias;
};

}  // namespace headroom::reference
