#include "core/reference/forward_pass.h"

#include <Eigen/Core>
#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/model/attention_pooling.h"
#include "core/model/capture_place.h"
#include "core/model/clock.h"
#include "core/model/error.h"
#include "core/model/finite.h"
#include "core/reference/captured_rows.h"

namespace headroom::reference {

namespace {
using model::Clock;
using model::Stage;
using model::StepRecord;
using model::Traffic;

std::uint64_t bytesOf(std::int64_t elements) {
  return static_cast<std::uint64_t>(elements) * sizeof(double);
}

double throughHalf(double value) {
  return static_cast<double>(model::halfToFloat(model::floatToHalf(static_cast<float>(value))));
}

/// Times a stage and appends its record.
class StageTimer {
 public:
  StageTimer(StepRecord& record, Stage stage, int layer) : m_record(record), m_start(Clock::now()) {
    m_stage.stage = stage;
    m_stage.layer = layer;
  }
  ~StageTimer() {
    m_stage.gpuTimeMs = model::millisecondsSince(m_start);
    m_record.stages.push_back(m_stage);
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;
  Traffic& traffic() { return m_stage.logical; }

 private:
  StepRecord& m_record;
  Clock::time_point m_start;
  model::StageRecord m_stage;
};

/// Throws unless all of `values`, [rows][columns] of one stage, are finite; row i is of `positionOf(i)`.
template <typename Number, typename PositionOf>
void requireFinite(std::span<const Number> values, std::size_t columns, const PositionOf& positionOf,
                   Stage stage, int layer) {
  const std::size_t index = model::firstNonFinite(values);
  if (index == values.size()) return;
  throw model::Error(model::nonFiniteSentence(stage, layer, positionOf(index / columns),
                                              static_cast<double>(values[index])));
}
void requireFinite(std::span<const double> values, std::int64_t columns, int firstPosition, Stage stage,
                   int layer) {
  requireFinite(
      values, static_cast<std::size_t>(columns),
      [&](std::size_t row) { return firstPosition + static_cast<int>(row); }, stage, layer);
}
void requireFinite(const Matrix& rows, int firstPosition, Stage stage, int layer) {
  requireFinite(std::span<const double>(rows.values), rows.columns, firstPosition, stage, layer);
}

/// Keeps `rows`, [token][columns], where they were asked for.
void keep(std::span<const double> rows, model::CapturePoint point, int layer, StepRecord& record) {
  if (record.activations.empty()) return;
  for (std::size_t token = 0; token < record.tokens.size(); ++token) {
    for (const std::span<float> target :
         targetsOf(record.activations, point, layer, static_cast<int>(token))) {
      std::ranges::transform(rows.subspan(token * target.size(), target.size()), target.begin(),
                             [](double value) { return static_cast<float>(value); });
    }
  }
}

/// Counts the values that were kept, as floats, with the stages that made them.
void addCaptured(StepRecord& record) {
  for (const model::Activations& values : record.activations) {
    const auto [stage, layer] = model::madeBy(values.point, values.layer);
    for (model::StageRecord& made : record.stages) {
      if (made.stage == stage && made.layer == layer)
        made.logical.captureWritten += values.values.size() * sizeof(float);
    }
  }
}

}  // namespace

void SequenceCache::truncate(int positions, int kvDim) {
  position = positions;
  const std::size_t elements = static_cast<std::size_t>(positions) * static_cast<std::size_t>(kvDim);
  for (Layer& layer : layers) {
    layer.keys.resize(elements);
    layer.values.resize(elements);
  }
}

ForwardPass::ForwardPass(const model::Model& model, int contextLength, bool roundsToHalf)
    : m_config(model.config),
      m_roundsToHalf(roundsToHalf),
      m_activation(model.config.traits.activation),
      m_rope(model.config, contextLength),
      m_weights(toMatrices(model.weights)) {}

Matrix ForwardPass::run(std::span<const int> tokens, SequenceCache& cache, const model::Capture& capture,
                        StepRecord& record) const {
  const int first = cache.position;
  record.tokens.assign(tokens.begin(), tokens.end());
  record.attention = rowsFor(capture, m_config, first, static_cast<int>(tokens.size()));
  record.activations = activationsFor(capture, m_config, first, static_cast<int>(tokens.size()));
  Matrix x = embed(tokens, first, record);
  for (int layer = 0; layer < m_config.layerCount; ++layer) {
    keep(x.values, model::CapturePoint::Residual, layer, record);
    finishLayer(headOutputs(x, layer, cache, record), layer, first, x, record);
  }
  keep(x.values, model::CapturePoint::Residual, m_config.layerCount, record);
  addCaptured(record);
  cache.position += static_cast<int>(tokens.size());
  model::poolRows(record.attention, capture.cells);
  return x;
}

Matrix ForwardPass::headOutputs(const Matrix& x, int layer, SequenceCache& cache, StepRecord& record) const {
  return attend(projectQkv(x, layer, cache, record), layer, cache, record);
}

void ForwardPass::finishLayer(const Matrix& outputs, int layer, int firstPosition, Matrix& x,
                              StepRecord& record) const {
  Matrix hidden;
  // In a parallel block the FFN reads what attention read, before either is added.
  if (m_config.traits.block == model::Block::Parallel) hidden = gateAndUp(x, layer, firstPosition, record);
  projectAttention(outputs, layer, firstPosition, x, record);
  if (m_config.traits.block == model::Block::Sequential) hidden = gateAndUp(x, layer, firstPosition, record);
  projectDown(hidden, layer, firstPosition, x, record);
}

Matrix ForwardPass::logits(const Matrix& x, std::span<const int> positions, StepRecord& record) const {
  StageTimer timer(record, Stage::Logits, -1);
  const Matrix& projection = m_weights.outputWeights();
  const Matrix normed = normalise(x, m_weights.outputNorm, m_config);
  Matrix logits = logitsOf(normed, projection, m_weights.output.bias, m_config);
  // Also what is finite as a double may be too large for a logit.
  const std::vector<float> floats(logits.values.begin(), logits.values.end());
  requireFinite(
      std::span<const float>(floats), static_cast<std::size_t>(logits.columns),
      [&](std::size_t row) { return positions[row]; }, Stage::Logits, -1);
  timer.traffic() = {
      .weightsRead = bytesOf(m_weights.outputNorm.size() + projection.size() + m_weights.output.bias.size()),
      .activationsRead = bytesOf(normed.size()),
      .activationsWritten = bytesOf(logits.size()),
  };
  return logits;
}

Matrix ForwardPass::embed(std::span<const int> tokens, int firstPosition, StepRecord& record) const {
  StageTimer timer(record, Stage::Embedding, -1);
  Matrix x(std::ssize(tokens), m_config.modelDim);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto embedding = m_weights.tokenEmbedding.row(tokens[i]);
    std::copy(embedding.begin(), embedding.end(), x.row(static_cast<std::int64_t>(i)).begin());
  }
  std::int64_t read = x.size();
  if (m_config.traits.scalesEmbedding) {
    const double scale = std::sqrt(static_cast<double>(m_config.modelDim));
    for (double& value : x.values) value *= scale;
  }
  if (m_config.traits.positions == model::Positions::Learned) {
    const Matrix& positions = m_weights.positionEmbedding;
    for (std::int64_t token = 0; token < x.rows; ++token) {
      const auto row = x.row(token);
      std::ranges::transform(row, positions.row(firstPosition + token), row.begin(), std::plus<>());
    }
    read += x.size();
  }
  requireFinite(x, firstPosition, Stage::Embedding, -1);
  timer.traffic() = {.weightsRead = bytesOf(read), .activationsWritten = bytesOf(x.size())};
  return x;
}

/// Queries [tokens][queryHeads*headDim]; appends keys and values to the cache.
Matrix ForwardPass::projectQkv(const Matrix& x, int layer, SequenceCache& cache, StepRecord& record) const {
  StageTimer timer(record, Stage::QkvProjection, layer);
  const LayerMatrices& weights = m_weights.layers[static_cast<std::size_t>(layer)];
  const Matrix normed = normalise(x, weights.attentionNorm, m_config);
  Matrix queries = project(normed, weights.query);
  Matrix keys = project(normed, weights.key);
  const Matrix values = project(normed, weights.value);
  if (m_config.traits.headNorms) {
    queries = rmsNorm(queries, weights.queryNorm, m_config.normEpsilon);
    keys = rmsNorm(keys, weights.keyNorm, m_config.normEpsilon);
  }
  applyRope(queries, cache.position, m_config, m_rope);
  applyRope(keys, cache.position, m_config, m_rope);
  SequenceCache::Layer& cached = cache.layers[static_cast<std::size_t>(layer)];
  requireFinite(queries, cache.position, Stage::QkvProjection, layer);
  append(keys, cached.keys, cache.position, layer);
  append(values, cached.values, cache.position, layer);
  keep(queries.values, model::CapturePoint::Queries, layer, record);
  const std::size_t before =
      static_cast<std::size_t>(cache.position) * static_cast<std::size_t>(keys.columns);
  keep(std::span(cached.keys).subspan(before), model::CapturePoint::Keys, layer, record);
  keep(std::span(cached.values).subspan(before), model::CapturePoint::Values, layer, record);
  timer.traffic() = {
      .weightsRead = bytesOf(weights.attentionNorm.size() + weights.query.size() + weights.key.size() +
                             weights.value.size() + weights.queryNorm.size() + weights.keyNorm.size()),
      .kvWritten = bytesOf(keys.size() + values.size()),
      .activationsRead = bytesOf(x.size()),
      .activationsWritten = bytesOf(queries.size()),
  };
  return queries;
}

void ForwardPass::append(const Matrix& rows, std::vector<double>& cached, int firstPosition,
                         int layer) const {
  const std::size_t start = cached.size();
  cached.insert(cached.end(), rows.values.begin(), rows.values.end());
  if (m_roundsToHalf) {
    std::transform(cached.begin() + static_cast<std::ptrdiff_t>(start), cached.end(),
                   cached.begin() + static_cast<std::ptrdiff_t>(start), throughHalf);
  }
  requireFinite(std::span<const double>(cached).subspan(start), rows.columns, firstPosition,
                Stage::QkvProjection, layer);
}

/// softmax(q K^T * scale) V for every query head: [tokens][queryHeads*headDim]. Query head h reads KV head
/// h / group size (Vaswani et al. 2017; Shazeer 2019; Ainslie et al. 2023).
Matrix ForwardPass::attend(const Matrix& queries, int layer, const SequenceCache& cache,
                           StepRecord& record) const {
  StageTimer timer(record, Stage::AttentionDecode, layer);
  const model::AttentionShape& shape = m_config.attention;
  const SequenceCache::Layer& cached = cache.layers[static_cast<std::size_t>(layer)];
  const std::int64_t positions = cache.position + queries.rows;
  const double scale = m_config.scoreScale();
  const double cap = static_cast<double>(m_config.attentionSoftCap);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const RowMajor> keys(cached.keys.data(), positions, shape.kvDim());
  const Eigen::Map<const RowMajor> values(cached.values.data(), positions, shape.kvDim());

  Matrix attended(queries.rows, shape.queryDim());
  for (std::int64_t token = 0; token < queries.rows; ++token) {
    const std::int64_t end = cache.position + token + 1;
    const std::int64_t first = m_config.firstSeen(end, layer);
    const std::int64_t visible = end - first;
    for (int head = 0; head < shape.queryHeadCount; ++head) {
      const int kvColumn = shape.kvHeadOf(head) * shape.headDim;
      const Eigen::Map<const Eigen::RowVectorXd> query(queries.row(token).data() + head * shape.headDim,
                                                       shape.headDim);
      Eigen::Map<Eigen::RowVectorXd> output(attended.row(token).data() + head * shape.headDim, shape.headDim);
      Eigen::RowVectorXd attention =
          scale * query * keys.block(first, kvColumn, visible, shape.headDim).transpose();
      if (cap > 0.0) attention = attention.unaryExpr([cap](double score) { return softCapped(score, cap); });
      const double highest = attention.maxCoeff();
      attention = (attention.array() - highest).exp();
      const double sum = attention.sum();
      attention /= sum;
      for (const std::span<float> extents : targetsOf(record.activations, model::CapturePoint::SoftmaxExtents,
                                                      layer, static_cast<int>(token))) {
        extents[2 * static_cast<std::size_t>(head)] = static_cast<float>(highest);
        extents[2 * static_cast<std::size_t>(head) + 1] = static_cast<float>(sum);
      }
      output = attention * values.block(first, kvColumn, visible, shape.headDim);
      intervene(layer, head, cache.position + static_cast<int>(token), cached,
                {output.data(), static_cast<std::size_t>(shape.headDim)});
      keepRow({attention.data(), static_cast<std::size_t>(visible)}, static_cast<std::size_t>(first), layer,
              head, static_cast<int>(token), record.attention);
    }
  }
  requireFinite(attended, cache.position, Stage::AttentionDecode, layer);
  keep(attended.values, model::CapturePoint::HeadOutputs, layer, record);
  timer.traffic() = {
      .kvRead = bytesOf(2 * (positions - m_config.firstSeen(cache.position + 1, layer)) * shape.kvDim()),
      .activationsRead = bytesOf(queries.size()),
      .activationsWritten = bytesOf(attended.size()),
      .captureWritten = capturedBytes(record.attention, layer),
  };
  return attended;
}

void ForwardPass::intervene(int layer, int queryHead, int position, const SequenceCache::Layer& cached,
                            std::span<double> output) const {
  using model::AttentionPattern;
  const auto found = std::ranges::find_if(m_interventions, [&](const model::HeadIntervention& change) {
    return change.layer == layer && change.queryHead == queryHead;
  });
  if (found == m_interventions.end()) return;
  const model::AttentionShape& shape = m_config.attention;
  const auto headColumn = static_cast<std::size_t>(shape.kvHeadOf(queryHead) * shape.headDim);
  const auto addValue = [&](double weight, int at) {
    const std::size_t first =
        static_cast<std::size_t>(at) * static_cast<std::size_t>(shape.kvDim()) + headColumn;
    for (std::size_t i = 0; i < output.size(); ++i) output[i] += weight * cached.values[first + i];
  };
  const auto seen = static_cast<int>(m_config.firstSeen(position + 1, layer));
  if (found->pattern != AttentionPattern::Computed) std::ranges::fill(output, 0.0);
  if (found->pattern == AttentionPattern::PreviousToken) addValue(1.0, std::max(0, position - 1));
  if (found->pattern == AttentionPattern::FirstToken) addValue(1.0, 0);
  if (found->pattern == AttentionPattern::Uniform) {
    for (int at = seen; at <= position; ++at) addValue(1.0 / (position + 1 - seen), at);
  }
  if (found->pattern == AttentionPattern::Given) {
    const int end = std::min(position + 1, static_cast<int>(found->weights.size()));
    for (int at = 0; at < end; ++at)
      addValue(static_cast<double>(found->weights[static_cast<std::size_t>(at)]), at);
  }
  for (std::size_t i = 0; i < output.size(); ++i) {
    if (!found->gain.empty()) output[i] *= static_cast<double>(found->gain[i]);
    if (!found->offset.empty()) output[i] += static_cast<double>(found->offset[i]);
  }
}

void ForwardPass::projectAttention(const Matrix& attended, int layer, int firstPosition, Matrix& x,
                                   StepRecord& record) const {
  StageTimer timer(record, Stage::AttentionOutput, layer);
  const LayerMatrices& weights = m_weights.layers[static_cast<std::size_t>(layer)];
  addBranch(x, project(attended, weights.attentionOutput), weights.attentionPostNorm);
  requireFinite(x, firstPosition, Stage::AttentionOutput, layer);
  timer.traffic() = {
      .weightsRead = bytesOf(weights.attentionOutput.size() + weights.attentionPostNorm.size()),
      .activationsRead = bytesOf(attended.size() + x.size()),
      .activationsWritten = bytesOf(x.size()),
  };
}

/// Adds what attention or the FFN found to the stream, normalised first where the model does that.
void ForwardPass::addBranch(Matrix& x, const Matrix& branch, const Matrix& postNorm) const {
  addTo(x, postNorm.size() > 0 ? rmsNorm(branch, postNorm, m_config.normEpsilon) : branch);
}

/// The hidden layer after its activation: [tokens][ffnDim].
Matrix ForwardPass::gateAndUp(const Matrix& x, int layer, int firstPosition, StepRecord& record) const {
  StageTimer timer(record, Stage::FfnGateUp, layer);
  const LayerMatrices& weights = m_weights.layers[static_cast<std::size_t>(layer)];
  const Matrix normed = normalise(x, weights.ffnNorm, m_config);
  const bool gated = m_config.traits.feedForward == model::FeedForward::Gated;
  const Matrix gate = gated ? project(normed, weights.ffnGate) : Matrix();
  const Matrix up = project(normed, weights.ffnUp);
  timer.traffic() = {
      .weightsRead = bytesOf(weights.ffnNorm.size() + weights.ffnGate.size() + weights.ffnUp.size()),
      .activationsRead = bytesOf(x.size()),
      .activationsWritten = bytesOf(up.size()),
  };
  Matrix hidden = m_activation(gate, up);
  requireFinite(hidden, firstPosition, Stage::FfnGateUp, layer);
  return hidden;
}

void ForwardPass::projectDown(const Matrix& hidden, int layer, int firstPosition, Matrix& x,
                              StepRecord& record) const {
  StageTimer timer(record, Stage::FfnDown, layer);
  const LayerMatrices& weights = m_weights.layers[static_cast<std::size_t>(layer)];
  addBranch(x, project(hidden, weights.ffnDown), weights.ffnPostNorm);
  requireFinite(x, firstPosition, Stage::FfnDown, layer);
  timer.traffic() = {
      .weightsRead = bytesOf(weights.ffnDown.size() + weights.ffnPostNorm.size()),
      .activationsRead = bytesOf(hidden.size() + x.size()),
      .activationsWritten = bytesOf(x.size()),
  };
}

}  // namespace headroom::reference
