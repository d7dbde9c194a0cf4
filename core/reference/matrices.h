#pragma once

#include <Eigen/Core>
#include <vector>

#include "core/model/model.h"

namespace headroom::reference {

/// Row-major, as the weights are stored: [rows][columns].
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowVector = Eigen::Matrix<double, 1, Eigen::Dynamic>;

/// A layer's weights in float64, shapes as in model::LayerWeights.
struct LayerMatrices {
  RowVector attentionNorm;
  Matrix query, key, value, attentionOutput;
  RowVector ffnNorm;
  Matrix ffnGate, ffnUp, ffnDown;
};

struct ModelMatrices {
  Matrix tokenEmbedding;
  std::vector<LayerMatrices> layers;
  RowVector outputNorm;
  Matrix output;  ///< empty when tied to tokenEmbedding

  const Matrix& outputProjection() const { return output.size() ? output : tokenEmbedding; }
};

ModelMatrices toMatrices(const model::Weights& weights);

/// Each row of `x` divided by its root mean square and scaled by `weight`: [tokens][modelDim] (Zhang and
/// Sennrich 2019).
Matrix rmsNorm(const Matrix& x, const RowVector& weight, double epsilon);

/// Rotates the first config.ropeDim elements of every head of `rows`, [tokens][heads * headDim], whose row 0
/// is at `firstPosition` (Su et al. 2021).
void applyRope(Matrix& rows, int firstPosition, const model::ModelConfig& config);

/// x * sigmoid(x)
Matrix silu(const Matrix& x);

}  // namespace headroom::reference
