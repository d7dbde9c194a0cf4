#include "core/training/backward_pass.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include <Eigen/Core>

namespace headroom::training {

namespace {
/// Query rows handled at once in attention: keys after the block's last row are never touched, which leaves
/// out nearly half of the causal square.
constexpr int kAttentionBlock = 64;
}  // namespace

// Shapes in comments: T tokens, d modelDim, H query heads, G KV heads, h headDim, f ffnDim, V vocabSize.
template <typename Scalar>
struct BackwardPass<Scalar>::State {
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;
  using ConstMap = Eigen::Map<const Matrix>;
  using Map = Eigen::Map<Matrix>;

  struct LayerState {
    Matrix input;                   // [T][d] residual stream before the layer
    Vector attentionScale;          // [T] 1 / rms of input
    Matrix attentionInput;          // [T][d] normalised
    Matrix query;                   // [T][H*h] after RoPE
    Matrix key, value;              // [T][G*h], key after RoPE
    std::vector<Matrix> attention;  // H x [T][T] probabilities
    Matrix headOutput;              // [T][H*h]
    Matrix middle;                  // [T][d] residual stream between attention and feed-forward
    Vector ffnScale;                // [T]
    Matrix ffnInput;                // [T][d] normalised
    Matrix gate, up;                // [T][f]
    Matrix hidden;                  // [T][f] silu(gate) * up
  };

  model::ModelConfig config;
  ParameterLayout layout;
  std::vector<LayerState> layers;
  Matrix last;              // [T][d] residual stream after the last layer
  Vector lastScale;         // [T]
  Matrix lastNormalised;    // [T][d]
  Matrix probabilities;     // [T][V] logits, then softmax
  Matrix ropeCos, ropeSin;  // [maxTokens][ropeDim/2]

  State(const model::ModelConfig& modelConfig, const ParameterLayout& parameterLayout, int maxTokens)
      : config(modelConfig), layout(parameterLayout), layers(modelConfig.layerCount) {
    for (LayerState& layer : layers) layer.attention.resize(config.attention.queryHeadCount);
    const int pairs = config.ropeDim / 2;
    ropeCos.resize(maxTokens, pairs);
    ropeSin.resize(maxTokens, pairs);
    for (int position = 0; position < maxTokens; ++position) {
      for (int pair = 0; pair < pairs; ++pair) {
        const double angle =
            position * std::pow(static_cast<double>(config.ropeBase), -2.0 * pair / config.ropeDim);
        ropeCos(position, pair) = static_cast<Scalar>(std::cos(angle));
        ropeSin(position, pair) = static_cast<Scalar>(std::sin(angle));
      }
    }
  }

  static ConstMap view(std::span<const Scalar> values, const ParameterSlot& slot) {
    return ConstMap(values.data() + slot.offset, slot.rows, slot.columns);
  }
  static Map view(std::span<Scalar> values, const ParameterSlot& slot) {
    return Map(values.data() + slot.offset, slot.rows, slot.columns);
  }

  /// y = gain * x / rms(x); keeps 1 / rms.
  void normalise(const Matrix& x, const ConstMap& gain, Vector& scale, Matrix& y) const {
    const Scalar width = static_cast<Scalar>(x.cols());
    scale = (x.rowwise().squaredNorm().array() / width + static_cast<Scalar>(config.normEpsilon)).rsqrt();
    y = (scale.asDiagonal() * x).array().rowwise() * gain.row(0).array();
  }

  /// dx += the gradient of normalise(); dgain += likewise.
  static void normaliseBackward(const Matrix& x, const ConstMap& gain, const Vector& scale, const Matrix& dy,
                                Matrix& dx, Map dgain) {
    const Scalar width = static_cast<Scalar>(x.cols());
    const Matrix scaled = scale.asDiagonal() * x;
    dgain.row(0) += (dy.array() * scaled.array()).colwise().sum().matrix();
    const Matrix weighted = dy.array().rowwise() * gain.row(0).array();
    const Vector projection = (weighted.array() * scaled.array()).rowwise().sum() / width;
    dx += scale.asDiagonal() * (weighted - projection.asDiagonal() * scaled);
  }

  /// Rotates pairs (2i, 2i+1) of every head by the position's angle; direction -1 undoes it.
  void rotate(Matrix& heads, int headCount, Scalar direction) const {
    for (Eigen::Index position = 0; position < heads.rows(); ++position) {
      for (int head = 0; head < headCount; ++head) {
        Scalar* element =
            heads.row(position).data() + static_cast<std::ptrdiff_t>(head) * config.attention.headDim;
        for (int pair = 0; pair < config.ropeDim / 2; ++pair, element += 2) {
          const Scalar cosine = ropeCos(position, pair);
          const Scalar sine = direction * ropeSin(position, pair);
          const Scalar first = element[0];
          element[0] = first * cosine - element[1] * sine;
          element[1] = first * sine + element[1] * cosine;
        }
      }
    }
  }

  void attend(LayerState& layer) const {
    const model::AttentionShape& shape = config.attention;
    const Eigen::Index tokenCount = layer.query.rows();
    const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(shape.headDim));
    layer.headOutput.resize(tokenCount, shape.queryDim());
    for (int head = 0; head < shape.queryHeadCount; ++head) {
      const int queryColumn = head * shape.headDim;
      const int kvColumn = shape.kvHeadOf(head) * shape.headDim;
      Matrix& attention = layer.attention[head];
      attention.resize(tokenCount, tokenCount);
      for (Eigen::Index begin = 0; begin < tokenCount; begin += kAttentionBlock) {
        const Eigen::Index rows = std::min<Eigen::Index>(kAttentionBlock, tokenCount - begin);
        const Eigen::Index keys = begin + rows;
        auto block = attention.block(begin, 0, rows, keys);
        block.noalias() = scale * layer.query.block(begin, queryColumn, rows, shape.headDim) *
                          layer.key.block(0, kvColumn, keys, shape.headDim).transpose();
        for (Eigen::Index row = 0; row < rows; ++row) {
          const Eigen::Index visible = begin + row + 1;
          auto scores = block.row(row);
          auto seen = scores.head(visible).array();
          seen = (seen - seen.maxCoeff()).exp();
          seen /= seen.sum();
          scores.tail(keys - visible).setZero();
        }
        layer.headOutput.block(begin, queryColumn, rows, shape.headDim).noalias() =
            block * layer.value.block(0, kvColumn, keys, shape.headDim);
      }
    }
  }

  /// From the gradient of headOutput to those of query, key and value (before RoPE is undone).
  void attendBackward(const LayerState& layer, const Matrix& dHeadOutput, Matrix& dQuery, Matrix& dKey,
                      Matrix& dValue) const {
    const model::AttentionShape& shape = config.attention;
    const Eigen::Index tokenCount = layer.query.rows();
    const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(shape.headDim));
    dQuery.resize(tokenCount, shape.queryDim());
    dKey.setZero(tokenCount, shape.kvDim());
    dValue.setZero(tokenCount, shape.kvDim());
    Matrix dScores;
    for (int head = 0; head < shape.queryHeadCount; ++head) {
      const int queryColumn = head * shape.headDim;
      const int kvColumn = shape.kvHeadOf(head) * shape.headDim;
      for (Eigen::Index begin = 0; begin < tokenCount; begin += kAttentionBlock) {
        const Eigen::Index rows = std::min<Eigen::Index>(kAttentionBlock, tokenCount - begin);
        const Eigen::Index keys = begin + rows;
        const auto attention = layer.attention[head].block(begin, 0, rows, keys);
        const auto dOutput = dHeadOutput.block(begin, queryColumn, rows, shape.headDim);
        dValue.block(0, kvColumn, keys, shape.headDim).noalias() += attention.transpose() * dOutput;
        dScores.noalias() = dOutput * layer.value.block(0, kvColumn, keys, shape.headDim).transpose();
        // d softmax: P * (dP - sum(P * dP))
        const Vector weighted = (attention.array() * dScores.array()).rowwise().sum();
        dScores = scale * (attention.array() * (dScores.colwise() - weighted).array());
        dQuery.block(begin, queryColumn, rows, shape.headDim).noalias() =
            dScores * layer.key.block(0, kvColumn, keys, shape.headDim);
        dKey.block(0, kvColumn, keys, shape.headDim).noalias() +=
            dScores.transpose() * layer.query.block(begin, queryColumn, rows, shape.headDim);
      }
    }
  }

  /// Fills every activation and leaves softmax probabilities; returns the summed loss.
  double forward(std::span<const Scalar> parameters, std::span<const int> tokens, int firstScored) {
    const Eigen::Index tokenCount = static_cast<Eigen::Index>(tokens.size()) - 1;
    assert(tokenCount >= 1 && tokenCount <= ropeCos.rows());
    const ConstMap embedding = view(parameters, layout.tokenEmbedding());
    Matrix stream(tokenCount, config.modelDim);
    for (Eigen::Index token = 0; token < tokenCount; ++token)
      stream.row(token) = embedding.row(tokens[token]);

    for (int index = 0; index < config.layerCount; ++index) {
      LayerState& layer = layers[index];
      const LayerSlots& slots = layout.layers()[index];
      layer.input = stream;
      normalise(layer.input, view(parameters, slots.attentionNorm), layer.attentionScale,
                layer.attentionInput);
      layer.query.noalias() = layer.attentionInput * view(parameters, slots.query).transpose();
      layer.key.noalias() = layer.attentionInput * view(parameters, slots.key).transpose();
      layer.value.noalias() = layer.attentionInput * view(parameters, slots.value).transpose();
      rotate(layer.query, config.attention.queryHeadCount, 1);
      rotate(layer.key, config.attention.kvHeadCount, 1);
      attend(layer);
      layer.middle = layer.input;
      layer.middle.noalias() += layer.headOutput * view(parameters, slots.attentionOutput).transpose();

      normalise(layer.middle, view(parameters, slots.ffnNorm), layer.ffnScale, layer.ffnInput);
      layer.gate.noalias() = layer.ffnInput * view(parameters, slots.ffnGate).transpose();
      layer.up.noalias() = layer.ffnInput * view(parameters, slots.ffnUp).transpose();
      layer.hidden = layer.gate.array() * layer.gate.array().logistic() * layer.up.array();
      stream = layer.middle;
      stream.noalias() += layer.hidden * view(parameters, slots.ffnDown).transpose();
    }

    last = stream;
    normalise(last, view(parameters, layout.outputNorm()), lastScale, lastNormalised);
    probabilities.noalias() = lastNormalised * embedding.transpose();
    double total = 0.0;
    for (Eigen::Index token = 0; token < tokenCount; ++token) {
      auto row = probabilities.row(token).array();
      const Scalar highest = row.maxCoeff();
      const Scalar target = row(tokens[token + 1]) - highest;
      row = (row - highest).exp();
      const Scalar sum = row.sum();
      row /= sum;
      if (token >= firstScored) total += std::log(static_cast<double>(sum)) - static_cast<double>(target);
    }
    return total;
  }

  void backward(std::span<const Scalar> parameters, std::span<const int> tokens, Scalar scale,
                std::span<Scalar> gradient) {
    const Eigen::Index tokenCount = static_cast<Eigen::Index>(tokens.size()) - 1;
    const ConstMap embedding = view(parameters, layout.tokenEmbedding());
    Map dEmbedding = view(gradient, layout.tokenEmbedding());

    // d logits = scale * (softmax - one hot)
    Matrix& dLogits = probabilities;
    for (Eigen::Index token = 0; token < tokenCount; ++token) dLogits(token, tokens[token + 1]) -= 1;
    dLogits *= scale;
    dEmbedding.noalias() += dLogits.transpose() * lastNormalised;
    Matrix dNormalised = dLogits * embedding;
    Matrix dStream = Matrix::Zero(tokenCount, config.modelDim);
    normaliseBackward(last, view(parameters, layout.outputNorm()), lastScale, dNormalised, dStream,
                      view(gradient, layout.outputNorm()));

    Matrix dHidden, dGate, dUp, dHeadOutput, dQuery, dKey, dValue;
    for (int index = config.layerCount - 1; index >= 0; --index) {
      const LayerState& layer = layers[index];
      const LayerSlots& slots = layout.layers()[index];

      view(gradient, slots.ffnDown).noalias() += dStream.transpose() * layer.hidden;
      dHidden.noalias() = dStream * view(parameters, slots.ffnDown);
      const Matrix sigmoid = layer.gate.array().logistic();
      dUp = dHidden.array() * layer.gate.array() * sigmoid.array();
      dGate = dHidden.array() * layer.up.array() * sigmoid.array() *
              (1 + layer.gate.array() * (1 - sigmoid.array()));
      view(gradient, slots.ffnGate).noalias() += dGate.transpose() * layer.ffnInput;
      view(gradient, slots.ffnUp).noalias() += dUp.transpose() * layer.ffnInput;
      dNormalised.noalias() = dGate * view(parameters, slots.ffnGate);
      dNormalised.noalias() += dUp * view(parameters, slots.ffnUp);
      normaliseBackward(layer.middle, view(parameters, slots.ffnNorm), layer.ffnScale, dNormalised, dStream,
                        view(gradient, slots.ffnNorm));

      view(gradient, slots.attentionOutput).noalias() += dStream.transpose() * layer.headOutput;
      dHeadOutput.noalias() = dStream * view(parameters, slots.attentionOutput);
      attendBackward(layer, dHeadOutput, dQuery, dKey, dValue);
      rotate(dQuery, config.attention.queryHeadCount, -1);
      rotate(dKey, config.attention.kvHeadCount, -1);
      view(gradient, slots.query).noalias() += dQuery.transpose() * layer.attentionInput;
      view(gradient, slots.key).noalias() += dKey.transpose() * layer.attentionInput;
      view(gradient, slots.value).noalias() += dValue.transpose() * layer.attentionInput;
      dNormalised.noalias() = dQuery * view(parameters, slots.query);
      dNormalised.noalias() += dKey * view(parameters, slots.key);
      dNormalised.noalias() += dValue * view(parameters, slots.value);
      normaliseBackward(layer.input, view(parameters, slots.attentionNorm), layer.attentionScale, dNormalised,
                        dStream, view(gradient, slots.attentionNorm));
    }
    for (Eigen::Index token = 0; token < tokenCount; ++token)
      dEmbedding.row(tokens[token]) += dStream.row(token);
  }
};

template <typename Scalar>
BackwardPass<Scalar>::BackwardPass(const model::ModelConfig& config, const ParameterLayout& layout,
                                   int maxTokens)
    : m_state(std::make_unique<State>(config, layout, maxTokens)) {}

template <typename Scalar>
BackwardPass<Scalar>::~BackwardPass() = default;

template <typename Scalar>
BackwardPass<Scalar>::BackwardPass(BackwardPass&&) noexcept = default;

template <typename Scalar>
double BackwardPass<Scalar>::loss(std::span<const Scalar> parameters, std::span<const int> tokens,
                                  int firstScored) {
  return m_state->forward(parameters, tokens, firstScored);
}

template <typename Scalar>
double BackwardPass<Scalar>::lossAndGradient(std::span<const Scalar> parameters, std::span<const int> tokens,
                                             Scalar scale, std::span<Scalar> gradient) {
  const double total = m_state->forward(parameters, tokens, 0);
  m_state->backward(parameters, tokens, scale, gradient);
  return total;
}

template class BackwardPass<float>;
template class BackwardPass<double>;

}  // namespace headroom::training
