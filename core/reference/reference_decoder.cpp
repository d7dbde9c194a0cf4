#include "core/reference/reference_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>

#include "core/model/error.h"
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

std::uint64_t bytesOf(Eigen::Index elements) {
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
        m_weights(toMatrices(model.weights)),
        m_cache(m_weights.layers.size()) {
    if (m_options.contextLength == 0) m_options.contextLength = m_config.contextLength;
  }

  StepRecord runBlock(std::span<const int> tokens, const model::Capture& capture) {
    StepRecord record;
    record.tokens.assign(tokens.begin(), tokens.end());
    record.position = m_position;
    prepareCapture(record, capture);

    Matrix x = embed(tokens, record);
    for (int layer = 0; layer < m_config.layerCount; ++layer) {
      const Matrix queries = projectQkv(x, layer, record);
      const Matrix attended = attend(queries, layer, record);
      projectAttention(attended, layer, x, record);
      const Matrix hidden = gateAndUp(x, layer, record);
      projectDown(hidden, layer, x, record);
    }
    m_position += static_cast<int>(tokens.size());
    computeLogits(x, record);

    for (const LayerCache& cache : m_cache) {
      record.cacheBytesUsed += (cache.keys.size() + cache.values.size()) * sizeof(double);
      record.cacheBytesAllocated += (cache.keys.capacity() + cache.values.capacity()) * sizeof(double);
    }
    model::Distribution next = model::summarise(m_logits, model::kCandidateCount);
    record.candidates = std::move(next.candidates);
    record.nextTokenEntropy = next.entropy;
    return record;
  }

  void truncate(int positions) {
    assert(positions >= 0 && positions <= m_position);
    m_position = positions;
    for (LayerCache& cache : m_cache) {
      cache.keys.resize(cacheElements(positions));
      cache.values.resize(cacheElements(positions));
    }
  }

  void checkTokens(std::span<const int> tokens) const {
    if (tokens.size() > static_cast<std::size_t>(m_options.contextLength - m_position)) {
      throw model::Error(
          fmt::format("The context is full: {} positions are taken, {} more do not fit into {}", m_position,
                      tokens.size(), m_options.contextLength));
    }
    for (int token : tokens) {
      if (token < 0 || token >= m_config.vocabSize) {
        throw model::Error(fmt::format("Token {} is outside the vocabulary, expected 0 to {}", token,
                                       m_config.vocabSize - 1));
      }
    }
  }

  model::ModelConfig m_config;
  model::DecoderOptions m_options;
  int m_position = 0;
  bool m_keepsAllLogits = false;
  std::vector<float> m_logits;     // [vocabSize]
  std::vector<float> m_allLogits;  // [tokens of the last run][vocabSize]

 private:
  struct LayerCache {
    std::vector<double> keys;    // [position][kvHead][headDim]
    std::vector<double> values;  // [position][kvHead][headDim]
  };

  std::size_t cacheElements(int positions) const {
    return static_cast<std::size_t>(positions) * static_cast<std::size_t>(m_config.attention.kvDim());
  }

  void prepareCapture(StepRecord& record, const model::Capture& capture) const {
    model::AttentionRows& rows = record.attention;
    for (int layer = 0; layer < m_config.layerCount; ++layer) {
      if (capture.wants(layer)) rows.layers.push_back(layer);
    }
    if (rows.layers.empty()) return;
    rows.queryHeadCount = m_config.attention.queryHeadCount;
    rows.rowCount = static_cast<int>(record.tokens.size());
    rows.firstPosition = m_position;
    rows.rowStride = m_position + rows.rowCount;
    rows.values.assign(rows.layers.size() * static_cast<std::size_t>(rows.queryHeadCount) *
                           static_cast<std::size_t>(rows.rowCount) * static_cast<std::size_t>(rows.rowStride),
                       0.0f);
  }

  Matrix embed(std::span<const int> tokens, StepRecord& record) const {
    StageTimer timer(record, Stage::Embedding, -1);
    Matrix x(static_cast<Eigen::Index>(tokens.size()), m_config.modelDim);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      x.row(static_cast<Eigen::Index>(i)) = m_weights.tokenEmbedding.row(tokens[i]);
    }
    timer.traffic() = {.weightsRead = bytesOf(x.size()), .activationsWritten = bytesOf(x.size())};
    return x;
  }

  /// Queries [tokens][queryHeads*headDim]; appends keys and values to the cache.
  Matrix projectQkv(const Matrix& x, int layer, StepRecord& record) {
    StageTimer timer(record, Stage::QkvProjection, layer);
    const LayerMatrices& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    const Matrix normed = rmsNorm(x, weights.attentionNorm, m_config.normEpsilon);
    Matrix queries = normed * weights.query.transpose();
    Matrix keys = normed * weights.key.transpose();
    const Matrix values = normed * weights.value.transpose();
    applyRope(queries, m_position, m_config);
    applyRope(keys, m_position, m_config);
    LayerCache& cache = m_cache[static_cast<std::size_t>(layer)];
    append(keys, cache.keys);
    append(values, cache.values);
    timer.traffic() = {
        .weightsRead = bytesOf(weights.attentionNorm.size() + weights.query.size() + weights.key.size() +
                               weights.value.size()),
        .kvWritten = bytesOf(keys.size() + values.size()),
        .activationsRead = bytesOf(x.size()),
        .activationsWritten = bytesOf(queries.size()),
    };
    return queries;
  }

  void append(const Matrix& rows, std::vector<double>& cache) const {
    const std::size_t start = cache.size();
    cache.insert(cache.end(), rows.data(), rows.data() + rows.size());
    if (m_options.kvType == model::KvType::F16) {
      std::transform(cache.begin() + static_cast<std::ptrdiff_t>(start), cache.end(),
                     cache.begin() + static_cast<std::ptrdiff_t>(start), throughHalf);
    }
  }

  /// softmax(q K^T / sqrt(headDim)) V for every query head: [tokens][queryHeads*headDim]. Query head h reads
  /// KV head h / groupSize (Vaswani et al. 2017; Shazeer 2019; Ainslie et al. 2023).
  Matrix attend(const Matrix& queries, int layer, StepRecord& record) const {
    StageTimer timer(record, Stage::AttentionDecode, layer);
    const model::AttentionShape& shape = m_config.attention;
    const LayerCache& cache = m_cache[static_cast<std::size_t>(layer)];
    const Eigen::Index positions = m_position + queries.rows();
    // Column block kvHead of the cached rows: [position][headDim].
    using CachedRows = Eigen::Map<const Matrix>;
    const CachedRows keys(cache.keys.data(), positions, shape.kvDim());
    const CachedRows values(cache.values.data(), positions, shape.kvDim());
    const double scale = 1.0 / std::sqrt(static_cast<double>(shape.headDim));

    Matrix attended(queries.rows(), shape.queryDim());
    for (Eigen::Index token = 0; token < queries.rows(); ++token) {
      const Eigen::Index visible = m_position + token + 1;
      for (int head = 0; head < shape.queryHeadCount; ++head) {
        const int kvColumn = head / shape.groupSize() * shape.headDim;
        const auto query = queries.block(token, head * shape.headDim, 1, shape.headDim);
        RowVector attention = scale * query * keys.block(0, kvColumn, visible, shape.headDim).transpose();
        attention = (attention.array() - attention.maxCoeff()).exp();
        attention /= attention.sum();
        attended.block(token, head * shape.headDim, 1, shape.headDim) =
            attention * values.block(0, kvColumn, visible, shape.headDim);
        keepRow(attention, layer, head, static_cast<int>(token), record.attention);
      }
    }
    timer.traffic() = {
        .kvRead = bytesOf(2 * positions * shape.kvDim()),
        .activationsRead = bytesOf(queries.size()),
        .activationsWritten = bytesOf(attended.size()),
        .captureWritten = capturedBytes(record.attention, layer),
    };
    return attended;
  }

  static bool isCaptured(const model::AttentionRows& rows, int layer) {
    return std::binary_search(rows.layers.begin(), rows.layers.end(), layer);
  }

  static void keepRow(const RowVector& attention, int layer, int head, int token,
                      model::AttentionRows& rows) {
    if (!isCaptured(rows, layer)) return;
    const auto index = std::lower_bound(rows.layers.begin(), rows.layers.end(), layer) - rows.layers.begin();
    const std::size_t row = (static_cast<std::size_t>(index) * static_cast<std::size_t>(rows.queryHeadCount) +
                             static_cast<std::size_t>(head)) *
                                static_cast<std::size_t>(rows.rowCount) +
                            static_cast<std::size_t>(token);
    float* target = rows.values.data() + row * static_cast<std::size_t>(rows.rowStride);
    for (Eigen::Index i = 0; i < attention.size(); ++i) target[i] = static_cast<float>(attention[i]);
  }

  /// The causal rows of one layer as floats, without the zeros above the diagonal.
  static std::uint64_t capturedBytes(const model::AttentionRows& rows, int layer) {
    if (!isCaptured(rows, layer)) return 0;
    std::uint64_t elements = 0;
    for (int row = 0; row < rows.rowCount; ++row) {
      elements += static_cast<std::uint64_t>(rows.firstPosition + row + 1);
    }
    return elements * static_cast<std::uint64_t>(rows.queryHeadCount) * sizeof(float);
  }

  void projectAttention(const Matrix& attended, int layer, Matrix& x, StepRecord& record) const {
    StageTimer timer(record, Stage::AttentionOutput, layer);
    const LayerMatrices& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    x += attended * weights.attentionOutput.transpose();
    timer.traffic() = {
        .weightsRead = bytesOf(weights.attentionOutput.size()),
        .activationsRead = bytesOf(attended.size() + x.size()),
        .activationsWritten = bytesOf(x.size()),
    };
  }

  /// SwiGLU (Shazeer 2020): silu(gate) * up, [tokens][ffnDim].
  Matrix gateAndUp(const Matrix& x, int layer, StepRecord& record) const {
    StageTimer timer(record, Stage::FfnGateUp, layer);
    const LayerMatrices& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    const Matrix normed = rmsNorm(x, weights.ffnNorm, m_config.normEpsilon);
    const Matrix gate = normed * weights.ffnGate.transpose();
    const Matrix up = normed * weights.ffnUp.transpose();
    timer.traffic() = {
        .weightsRead = bytesOf(weights.ffnNorm.size() + weights.ffnGate.size() + weights.ffnUp.size()),
        .activationsRead = bytesOf(x.size()),
        .activationsWritten = bytesOf(up.size()),
    };
    return silu(gate).cwiseProduct(up);
  }

  void projectDown(const Matrix& hidden, int layer, Matrix& x, StepRecord& record) const {
    StageTimer timer(record, Stage::FfnDown, layer);
    const LayerMatrices& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    x += hidden * weights.ffnDown.transpose();
    timer.traffic() = {
        .weightsRead = bytesOf(weights.ffnDown.size()),
        .activationsRead = bytesOf(hidden.size() + x.size()),
        .activationsWritten = bytesOf(x.size()),
    };
  }

  void computeLogits(const Matrix& x, StepRecord& record) {
    StageTimer timer(record, Stage::Logits, -1);
    const Matrix& projection = m_weights.outputProjection();
    // Only the last token's, unless all are asked for.
    const Eigen::Index rows = m_keepsAllLogits ? x.rows() : 1;
    const Matrix normed = rmsNorm(x.bottomRows(rows), m_weights.outputNorm, m_config.normEpsilon);
    const Matrix logits = normed * projection.transpose();
    m_logits.resize(static_cast<std::size_t>(logits.cols()));
    const auto toFloat = [](double value) { return static_cast<float>(value); };
    const double* last = logits.data() + (rows - 1) * logits.cols();
    std::transform(last, last + logits.cols(), m_logits.begin(), toFloat);
    if (m_keepsAllLogits) {
      std::transform(logits.data(), logits.data() + logits.size(), std::back_inserter(m_allLogits), toFloat);
    }
    timer.traffic() = {
        .weightsRead = bytesOf(m_weights.outputNorm.size() + projection.size()),
        .activationsRead = bytesOf(normed.size()),
        .activationsWritten = bytesOf(logits.size()),
    };
  }

  ModelMatrices m_weights;
  std::vector<LayerCache> m_cache;
};

ReferenceDecoder::ReferenceDecoder(const model::Model& model, const model::DecoderOptions& options) {
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

std::vector<StepRecord> ReferenceDecoder::run(std::span<const int> tokens, const model::Capture& capture) {
  m_pass->checkTokens(tokens);
  m_pass->m_allLogits.clear();
  std::vector<StepRecord> records;
  while (!tokens.empty()) {
    const auto start = Clock::now();
    const std::size_t count = std::min(tokens.size(), kBlockTokens);
    records.push_back(m_pass->runBlock(tokens.first(count), capture));
    records.back().wallTimeMs = millisecondsSince(start);
    tokens = tokens.subspan(count);
  }
  return records;
}

}  // namespace headroom::reference
