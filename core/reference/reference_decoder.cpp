#include "core/reference/reference_decoder.h"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <utility>

#include "core/model/error.h"
#include "core/model/finite.h"
#include "core/reference/captured_rows.h"
#include "core/reference/matrices.h"

namespace headroom::reference {

namespace {
using model::Stage;
using model::StepRecord;
using model::Traffic;
using Clock = std::chrono::steady_clock;

/// Tokens of a prefill that go through the layers together; bounds the scores and captured rows in memory.
constexpr std::size_t kBlockTokens = 128;

double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

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
    m_stage.gpuTimeMs = millisecondsSince(m_start);
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
}  // namespace

/// The forward pass and its state. Activations are [tokens of the block][dimension].
class ReferenceDecoder::Pass {
 public:
  Pass(const model::Model& model, const model::DecoderOptions& options)
      : m_config(model.config),
        m_options(options),
        m_activation(model.config.traits.activation),
        m_rope(model.config, model::contextOf(model.config, options)),
        m_weights(toMatrices(model.weights)),
        m_cache(m_weights.layers.size()) {
    m_options.contextLength = model::contextOf(m_config, options);
    if (m_options.kvType == model::KvType::F32) m_options.kvType = model::KvType::F64;
  }

  /// Runs a block; when it throws, nothing changed.
  StepRecord runBlock(std::span<const int> tokens, const model::Capture& capture) {
    try {
      return forward(tokens, capture);
    } catch (const model::Error&) {
      truncate(m_position);
      throw;
    }
  }

  StepRecord forward(std::span<const int> tokens, const model::Capture& capture) {
    StepRecord record;
    record.tokens.assign(tokens.begin(), tokens.end());
    record.position = m_position;
    record.attention = rowsFor(capture, m_config, m_position, static_cast<int>(tokens.size()));

    Matrix x = embed(tokens, record);
    for (int layer = 0; layer < m_config.layerCount; ++layer) {
      keepStream(layer, x);
      const Matrix queries = projectQkv(x, layer, record);
      const Matrix attended = attend(queries, layer, record);
      Matrix hidden;
      // In a parallel block the FFN reads what attention read, before either is added.
      if (m_config.traits.block == model::Block::Parallel) hidden = gateAndUp(x, layer, record);
      projectAttention(attended, layer, x, record);
      if (m_config.traits.block == model::Block::Sequential) hidden = gateAndUp(x, layer, record);
      projectDown(hidden, layer, x, record);
    }
    if (!m_streams.empty()) keepStream(m_config.layerCount, normalise(x, m_weights.outputNorm, m_config));
    computeLogits(x, record);
    m_position += static_cast<int>(tokens.size());
    poolRows(record.attention, capture.cells);

    for (const LayerCache& cache : m_cache) {
      record.cacheBytesUsed += (cache.keys.size() + cache.values.size()) * sizeof(double);
      record.cacheBytesAllocated += (cache.keys.capacity() + cache.values.capacity()) * sizeof(double);
    }
    model::Distribution next = model::summarise(m_logits, model::kCandidateCount);
    record.candidates = std::move(next.candidates);
    record.nextTokenEntropy = next.entropy;
    return record;
  }

  /// Runs `tokens` again at `firstPosition`; the state afterwards is the one before.
  std::vector<model::AttentionRows> replay(int firstPosition, std::span<const int> tokens,
                                           const model::Capture& capture) {
    const std::vector<LayerCache> cache = m_cache;
    const int position = m_position;
    const std::vector<float> logits = m_logits;
    const std::vector<float> allLogits = m_allLogits;
    const std::vector<std::vector<double>> streams = std::exchange(m_streams, {});
    truncate(firstPosition);
    std::vector<model::AttentionRows> rows;
    for (; !tokens.empty(); tokens = tokens.subspan(std::min(tokens.size(), kBlockTokens))) {
      rows.push_back(runBlock(tokens.first(std::min(tokens.size(), kBlockTokens)), capture).attention);
    }
    m_cache = cache;
    m_position = position;
    m_logits = logits;
    m_allLogits = allLogits;
    m_streams = streams;
    return rows;
  }

  void truncate(int positions) {
    assert(positions >= 0 && positions <= m_position);
    m_position = positions;
    for (LayerCache& cache : m_cache) {
      cache.keys.resize(cacheElements(positions));
      cache.values.resize(cacheElements(positions));
    }
  }

  model::ModelConfig m_config;
  model::DecoderOptions m_options;
  int m_position = 0;
  bool m_keepsAllLogits = false;
  std::vector<float> m_logits;                 // [vocabSize]
  std::vector<float> m_allLogits;              // [tokens of the last run][vocabSize]
  std::vector<std::vector<double>> m_streams;  // by layer, [tokens of the last run][modelDim]; or none

 private:
  struct LayerCache {
    std::vector<double> keys;    // [position][kvHead][headDim]
    std::vector<double> values;  // [position][kvHead][headDim]
  };

  std::size_t cacheElements(int positions) const {
    return static_cast<std::size_t>(positions) * static_cast<std::size_t>(m_config.attention.kvDim());
  }

  void keepStream(int layer, const Matrix& x) {
    if (m_streams.empty()) return;
    std::vector<double>& kept = m_streams[static_cast<std::size_t>(layer)];
    kept.insert(kept.end(), x.values.begin(), x.values.end());
  }

  Matrix embed(std::span<const int> tokens, StepRecord& record) const {
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
        std::ranges::transform(row, positions.row(m_position + token), row.begin(), std::plus<>());
      }
      read += x.size();
    }
    requireFinite(x, Stage::Embedding, -1);
    timer.traffic() = {.weightsRead = bytesOf(read), .activationsWritten = bytesOf(x.size())};
    return x;
  }

  /// Queries [tokens][queryHeads*headDim]; appends keys and values to the cache.
  Matrix projectQkv(const Matrix& x, int layer, StepRecord& record) {
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
    applyRope(queries, m_position, m_config, m_rope);
    applyRope(keys, m_position, m_config, m_rope);
    LayerCache& cache = m_cache[static_cast<std::size_t>(layer)];
    requireFinite(queries, Stage::QkvProjection, layer);
    append(keys, cache.keys, layer);
    append(values, cache.values, layer);
    timer.traffic() = {
        .weightsRead = bytesOf(weights.attentionNorm.size() + weights.query.size() + weights.key.size() +
                               weights.value.size() + weights.queryNorm.size() + weights.keyNorm.size()),
        .kvWritten = bytesOf(keys.size() + values.size()),
        .activationsRead = bytesOf(x.size()),
        .activationsWritten = bytesOf(queries.size()),
    };
    return queries;
  }

  /// Throws unless all of `values`, [rows][columns] of one stage, are finite.
  template <typename Number>
  void requireFinite(std::span<const Number> values, std::size_t columns, int firstPosition, Stage stage,
                     int layer) const {
    const std::size_t index = model::firstNonFinite(values);
    if (index == values.size()) return;
    throw model::Error(model::nonFiniteSentence(
        stage, layer, firstPosition + static_cast<int>(index / columns), static_cast<double>(values[index])));
  }
  void requireFinite(const Matrix& rows, Stage stage, int layer) const {
    requireFinite(std::span<const double>(rows.values), static_cast<std::size_t>(rows.columns), m_position,
                  stage, layer);
  }

  void append(const Matrix& rows, std::vector<double>& cache, int layer) const {
    const std::size_t start = cache.size();
    cache.insert(cache.end(), rows.values.begin(), rows.values.end());
    if (m_options.kvType == model::KvType::F16) {
      std::transform(cache.begin() + static_cast<std::ptrdiff_t>(start), cache.end(),
                     cache.begin() + static_cast<std::ptrdiff_t>(start), throughHalf);
    }
    requireFinite(std::span<const double>(cache).subspan(start), static_cast<std::size_t>(rows.columns),
                  m_position, Stage::QkvProjection, layer);
  }

  /// softmax(q K^T * scale) V for every query head: [tokens][queryHeads*headDim]. Query head h reads KV head
  /// h / groupSize (Vaswani et al. 2017; Shazeer 2019; Ainslie et al. 2023).
  Matrix attend(const Matrix& queries, int layer, StepRecord& record) const {
    StageTimer timer(record, Stage::AttentionDecode, layer);
    const model::AttentionShape& shape = m_config.attention;
    const LayerCache& cache = m_cache[static_cast<std::size_t>(layer)];
    const std::int64_t positions = m_position + queries.rows;
    const double scale = m_config.scoreScale();
    const double cap = static_cast<double>(m_config.attentionSoftCap);
    const std::int64_t window = m_config.windowOf(layer);
    using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::Map<const RowMajor> keys(cache.keys.data(), positions, shape.kvDim());
    const Eigen::Map<const RowMajor> values(cache.values.data(), positions, shape.kvDim());

    Matrix attended(queries.rows, shape.queryDim());
    for (std::int64_t token = 0; token < queries.rows; ++token) {
      const std::int64_t end = m_position + token + 1;
      const std::int64_t first = window > 0 ? std::max<std::int64_t>(0, end - window) : 0;
      const std::int64_t visible = end - first;
      for (int head = 0; head < shape.queryHeadCount; ++head) {
        const int kvColumn = head / shape.groupSize() * shape.headDim;
        const Eigen::Map<const Eigen::RowVectorXd> query(queries.row(token).data() + head * shape.headDim,
                                                         shape.headDim);
        Eigen::Map<Eigen::RowVectorXd> output(attended.row(token).data() + head * shape.headDim,
                                              shape.headDim);
        Eigen::RowVectorXd attention =
            scale * query * keys.block(first, kvColumn, visible, shape.headDim).transpose();
        if (cap > 0.0)
          attention = attention.unaryExpr([cap](double score) { return softCapped(score, cap); });
        attention = (attention.array() - attention.maxCoeff()).exp();
        attention /= attention.sum();
        output = attention * values.block(first, kvColumn, visible, shape.headDim);
        keepRow({attention.data(), static_cast<std::size_t>(visible)}, static_cast<std::size_t>(first), layer,
                head, static_cast<int>(token), record.attention);
      }
    }
    requireFinite(attended, Stage::AttentionDecode, layer);
    timer.traffic() = {
        .kvRead = bytesOf(2 * (positions - firstSeen(window)) * shape.kvDim()),
        .activationsRead = bytesOf(queries.size()),
        .activationsWritten = bytesOf(attended.size()),
        .captureWritten = capturedBytes(record.attention, layer),
    };
    return attended;
  }

  /// The first position that any row of this block sees.
  std::int64_t firstSeen(std::int64_t window) const {
    return window > 0 ? std::max<std::int64_t>(0, m_position + 1 - window) : 0;
  }

  void projectAttention(const Matrix& attended, int layer, Matrix& x, StepRecord& record) const {
    StageTimer timer(record, Stage::AttentionOutput, layer);
    const LayerMatrices& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    addBranch(x, project(attended, weights.attentionOutput), weights.attentionPostNorm);
    requireFinite(x, Stage::AttentionOutput, layer);
    timer.traffic() = {
        .weightsRead = bytesOf(weights.attentionOutput.size() + weights.attentionPostNorm.size()),
        .activationsRead = bytesOf(attended.size() + x.size()),
        .activationsWritten = bytesOf(x.size()),
    };
  }

  /// Adds what attention or the FFN found to the stream, normalised first where the model does that.
  void addBranch(Matrix& x, const Matrix& branch, const Matrix& postNorm) const {
    addTo(x, postNorm.size() > 0 ? rmsNorm(branch, postNorm, m_config.normEpsilon) : branch);
  }

  /// The hidden layer after its activation: [tokens][ffnDim].
  Matrix gateAndUp(const Matrix& x, int layer, StepRecord& record) const {
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
    requireFinite(hidden, Stage::FfnGateUp, layer);
    return hidden;
  }

  void projectDown(const Matrix& hidden, int layer, Matrix& x, StepRecord& record) const {
    StageTimer timer(record, Stage::FfnDown, layer);
    const LayerMatrices& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    addBranch(x, project(hidden, weights.ffnDown), weights.ffnPostNorm);
    requireFinite(x, Stage::FfnDown, layer);
    timer.traffic() = {
        .weightsRead = bytesOf(weights.ffnDown.size() + weights.ffnPostNorm.size()),
        .activationsRead = bytesOf(hidden.size() + x.size()),
        .activationsWritten = bytesOf(x.size()),
    };
  }

  void computeLogits(const Matrix& x, StepRecord& record) {
    StageTimer timer(record, Stage::Logits, -1);
    const Matrix& projection = m_weights.outputWeights();
    // Only the last token's, unless all are asked for.
    Matrix wanted = m_keepsAllLogits ? x : Matrix(1, x.columns);
    if (!m_keepsAllLogits) std::copy_n(x.row(x.rows - 1).begin(), x.columns, wanted.values.begin());
    const Matrix normed = normalise(wanted, m_weights.outputNorm, m_config);
    Matrix logits = project(normed, projection);
    addToRows(logits, m_weights.output.bias);
    for (double& logit : logits.values) {
      logit = softCapped(logit, static_cast<double>(m_config.logitSoftCap));
    }
    // Also what is finite as a double may be too large for a logit.
    const std::vector<float> floats(logits.values.begin(), logits.values.end());
    const auto vocabSize = static_cast<std::ptrdiff_t>(logits.columns);
    const auto firstRow = static_cast<int>(x.rows - logits.rows);
    requireFinite(std::span<const float>(floats), static_cast<std::size_t>(vocabSize), m_position + firstRow,
                  Stage::Logits, -1);
    m_logits.assign(floats.end() - vocabSize, floats.end());
    if (m_keepsAllLogits) m_allLogits.insert(m_allLogits.end(), floats.begin(), floats.end());
    timer.traffic() = {
        .weightsRead =
            bytesOf(m_weights.outputNorm.size() + projection.size() + m_weights.output.bias.size()),
        .activationsRead = bytesOf(normed.size()),
        .activationsWritten = bytesOf(logits.size()),
    };
  }

  ActivationFunction m_activation;
  model::RopeTable m_rope;
  ModelMatrices m_weights;
  std::vector<LayerCache> m_cache;
};

ReferenceDecoder::ReferenceDecoder(const model::Model& model, const model::DecoderOptions& options,
                                   std::string note)
    : m_note(std::move(note)) {
  if (options.batch != 1) {
    throw model::Error(
        fmt::format("The reference decoder runs one sequence, asked for a batch of {}", options.batch));
  }
  m_pass = std::make_unique<Pass>(model, options);
}

ReferenceDecoder::~ReferenceDecoder() = default;

const model::ModelConfig& ReferenceDecoder::config() const {
  return m_pass->m_config;
}
const model::DecoderOptions& ReferenceDecoder::options() const {
  return m_pass->m_options;
}
int ReferenceDecoder::position() const {
  return m_pass->m_position;
}
void ReferenceDecoder::truncate(int positions) {
  m_pass->truncate(positions);
}
std::span<const float> ReferenceDecoder::logits() const {
  return m_pass->m_logits;
}
void ReferenceDecoder::keepAllLogits(bool keep) {
  m_pass->m_keepsAllLogits = keep;
}
std::span<const float> ReferenceDecoder::allLogits() const {
  return m_pass->m_allLogits;
}

void ReferenceDecoder::keepResidualStream(bool keep) {
  m_pass->m_streams.clear();
  if (keep) m_pass->m_streams.resize(static_cast<std::size_t>(m_pass->m_config.layerCount) + 1);
}
std::span<const double> ReferenceDecoder::residualStream(int layer) const {
  return m_pass->m_streams.at(static_cast<std::size_t>(layer));
}

std::vector<model::AttentionRows> ReferenceDecoder::replay(int firstPosition, std::span<const int> tokens,
                                                           const model::Capture& capture) {
  model::checkReplay(firstPosition, tokens, m_pass->m_position);
  return m_pass->replay(firstPosition, tokens, capture);
}

std::vector<StepRecord> ReferenceDecoder::run(std::span<const int> tokens, const model::Capture& capture) {
  model::checkRun(tokens, m_pass->m_position, m_pass->m_options.contextLength, m_pass->m_config.vocabSize);
  m_pass->m_allLogits.clear();
  for (std::vector<double>& stream : m_pass->m_streams) stream.clear();
  std::vector<StepRecord> records;
  while (!tokens.empty()) {
    const auto start = Clock::now();
    const std::size_t count = std::min(tokens.size(), kBlockTokens);
    records.push_back(m_pass->runBlock(tokens.first(count), capture));
    records.back().wallTimeMs = millisecondsSince(start);
    records.back().overhead.readBackMs = records.back().wallTimeMs - records.back().gpuTimeMs();
    tokens = tokens.subspan(count);
  }
  return records;
}

}  // namespace headroom::reference
