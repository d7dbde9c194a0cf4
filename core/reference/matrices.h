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

/// y = x * weights^T + bias; the bias is empty where there is none.
struct Projection {
  Matrix weights;
  Matrix bias;

  std::int64_t size() const { return weights.size() + bias.size(); }
};

/// Gain and bias of a norm; empty where the model has none of that kind.
struct NormWeights {
  Matrix gain;
  Matrix bias;

  std::int64_t size() const { return gain.size() + bias.size(); }
};

/// A layer's weights in float64, shapes as in model::LayerWeights.
struct LayerMatrices {
  NormWeights attentionNorm;
  Projection query, key, value;
  Matrix queryNorm, keyNorm;
  Projection attentionOutput;
  Matrix attentionPostNorm;
  NormWeights ffnNorm;
  Projection ffnGate, ffnUp, ffnDown;
  Matrix ffnPostNorm;
};

struct ModelMatrices {
  Matrix tokenEmbedding;
  Matrix positionEmbedding;
  std::vector<LayerMatrices> layers;
  NormWeights outputNorm;
  Projection output;  ///< its weights are empty when tied to tokenEmbedding

  const Matrix& outputWeights() const { return output.weights.size() > 0 ? output.weights : tokenEmbedding; }
};

Matrix toMatrix(const model::Tensor& tensor);
ModelMatrices toMatrices(const model::Weights& weights);

/// x * weights^T: [tokens][columns of weights] to [tokens][rows of weights].
Matrix project(const Matrix& x, const Matrix& weights);
Matrix project(const Matrix& x, const Projection& projection);

/// x += delta, the residual connection.
void addTo(Matrix& x, const Matrix& delta);
/// Adds the vector `bias` to each row of `x`; an empty one changes nothing.
void addToRows(Matrix& x, const Matrix& bias);

/// Each row of `x` in stretches of as many elements as `gain` has, divided by their root mean square and
/// scaled by `gain` (Zhang and Sennrich 2019). A row is one stretch, or one for each head.
Matrix rmsNorm(const Matrix& x, const Matrix& gain, double epsilon);
/// Each row of `x` less its mean, divided by its deviation, scaled and shifted (Ba et al. 2016).
Matrix layerNorm(const Matrix& x, const NormWeights& weights, double epsilon);
/// The one of the two that the model has.
Matrix normalise(const Matrix& x, const NormWeights& weights, const model::ModelConfig& config);

/// Logits of rows that went through the last norm, for the tokens whose rows of the output matrix and
/// elements of its bias (or no bias) are given: [rows][tokens].
Matrix logitsOf(const Matrix& normed, const Matrix& output, const Matrix& bias,
                const model::ModelConfig& config);

/// Rotates the first config.ropeDim elements of every head of `rows`, [tokens][heads * headDim], whose row 0
/// is at `firstPosition` (Su et al. 2021).
void applyRope(Matrix& rows, int firstPosition, const model::ModelConfig& config,
               const model::RopeTable& table);

/// silu(x) = x * sigmoid(x), or one of the forms of GELU (Hendrycks and Gimpel 2016).
class ActivationFunction {
 public:
  explicit ActivationFunction(model::Activation kind);
  double operator()(double x) const;
  /// activation(gate) * up (Shazeer 2020), or activation(up) when `gate` is empty.
  Matrix operator()(const Matrix& gate, const Matrix& up) const;

 private:
  model::Activation m_kind;
  std::vector<std::uint16_t> m_table;  ///< of GeluTable
};

/// cap * tanh(x / cap); x when the cap is 0.
double softCapped(double x, double cap);

}  // namespace headroom::reference
