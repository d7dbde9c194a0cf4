#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/model/model.h"

namespace headroom::reference {

/// [rows][columns], row-major, as the weights are stored. A vector has one row.
struct Matrix {
  Matrix() = default;
  Matrix(std::int64_t rowCount, std::int64_t columnCount)
      : rows(rowCount), columns(columnCount), values(static_cast<std::size_t>(rowCount * columnCount)) {}

  std::int64_t size() const { return rows * columns; }
  std::span<double> row(std::int64_t index) {
    return std::span(values).subspan(static_cast<std::size_t>(index * columns),
                                     static_cast<std::size_t>(columns));
  }
  std::span<const double> row(std::int64_t index) const {
    return std::span(values).subspan(static_cast<std::size_t>(index * columns),
                                     static_cast<std::size_t>(columns));
  }

  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<double> values;
};

/// A layer's weights in float64, shapes as in model::LayerWeights.
struct LayerMatrices {
  Matrix attentionNorm;
  Matrix query, key, value, attentionOutput;
  Matrix ffnNorm;
  Matrix ffnGate, ffnUp, ffnDown;
};

struct ModelMatrices {
  Matrix tokenEmbedding;
  std::vector<LayerMatrices> layers;
  Matrix outputNorm;
  Matrix output;  ///< empty when tied to tokenEmbedding

  const Matrix& outputProjection() const { return output.size() > 0 ? output : tokenEmbedding; }
};

ModelMatrices toMatrices(const model::Weights& weights);

/// x * weights^T: [tokens][columns of weights] to [tokens][rows of weights].
Matrix project(const Matrix& x, const Matrix& weights);

/// x += delta, the residual connection.
void addTo(Matrix& x, const Matrix& delta);

/// Each row of `x` divided by its root mean square and scaled by `weight`: [tokens][modelDim] (Zhang and
/// Sennrich 2019).
Matrix rmsNorm(const Matrix& x, const Matrix& weight, double epsilon);

/// Rotates the first config.ropeDim elements of every head of `rows`, [tokens][heads * headDim], whose row 0
/// is at `firstPosition` (Su et al. 2021).
void applyRope(Matrix& rows, int firstPosition, const model::ModelConfig& config);

/// silu(gate) * up with silu(x) = x * sigmoid(x) (Shazeer 2020).
Matrix swiGlu(const Matrix& gate, const Matrix& up);

}  // namespace headroom::reference
