#include "core/engine/memory_plan.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/engine/translate_errors.h"
#include "core/vulkan/check.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

using model::Storage;
using model::Tensor;

std::uint64_t u64(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

/// Adds up the weights as DeviceWeights lays them out.
class WeightSum {
 public:
  WeightSum(const model::Model& model, const StepShape& shape, DeviceStorage storage)
      : m_shape(shape), m_storage(storage) {
    const model::Weights& weights = model.weights;
    const bool layerNorm = shape.traits().norm == model::Norm::Layer;
    const bool gated = shape.traits().feedForward == model::FeedForward::Gated;
    matrix({&weights.tokenEmbedding}, weights.tokenEmbedding.rows);
    if (!weights.tied()) matrix({&weights.output}, weights.output.rows);
    if (layerNorm || !weights.outputBias.empty()) terms(weights.output.rows);
    vector(weights.outputNorm);
    const TermsWanted wanted(model);
    for (const model::LayerWeights& layer : weights.layers) {
      const std::int64_t qkvRows = layer.query.rows + 2 * layer.key.rows;
      matrix({&layer.query, &layer.key, &layer.value}, qkvRows);
      if (wanted.qkv) terms(qkvRows);
      matrix({&layer.attentionOutput}, layer.attentionOutput.rows);
      if (wanted.attentionOutput) terms(layer.attentionOutput.rows);
      const std::int64_t upRows = gated ? gateUpRows(layer.ffnUp.rows, shape.plan.family) : layer.ffnUp.rows;
      if (gated) matrix({&layer.ffnGate, &layer.ffnUp}, upRows);
      if (!gated) matrix({&layer.ffnUp}, upRows);
      if (wanted.gateUp) terms(upRows);
      matrix({&layer.ffnDown}, layer.ffnDown.rows);
      if (wanted.ffnDown) terms(layer.ffnDown.rows);
      for (const Tensor* norm :
           {&layer.attentionNorm, &layer.ffnNorm, &layer.attentionPostNorm, &layer.ffnPostNorm}) {
        vector(*norm);
      }
      m_bytes += u64(layer.queryNorm.columns + layer.keyNorm.columns) * sizeof(float);
    }
  }

  std::uint64_t bytes() const { return m_bytes; }
  /// Of the storage that most elements have.
  std::string storageText() const {
    const auto most =
        std::ranges::max_element(m_elements, {}, [](const auto& entry) { return entry.second; });
    if (most == m_elements.end()) return "";
    const auto [stored, kept] = most->first;
    return stored == kept ? std::string(shortName(stored))
                          : fmt::format("{} widened to {}", shortName(stored), shortName(kept));
  }

 private:
  void matrix(std::initializer_list<const Tensor*> tensors, std::int64_t rows) {
    const Storage kept = keptAs(tensors, m_storage);
    const DeviceMatrix::Form form{.rows = rows,
                                  .columns = (*tensors.begin())->columns,
                                  .storage = kept,
                                  .family = m_shape.plan.family,
                                  .rowBlocks = m_shape.plan.rowBlocks};
    m_bytes += DeviceMatrix::bytesOf(form);
    m_elements[{(*tensors.begin())->storage, kept}] += rows * form.columns;
  }
  void terms(std::int64_t rows) { m_bytes += RowTerms::bytesOf(u64(rows)); }
  void vector(const Tensor& gains) {
    if (!gains.empty()) m_bytes += paddedColumns(u64(gains.columns)) * sizeof(float);
  }

  const StepShape& m_shape;
  DeviceStorage m_storage;
  std::uint64_t m_bytes = 0;
  std::map<std::pair<Storage, Storage>, std::int64_t> m_elements;
};

std::uint64_t workingBytes(const StepShape& shape) {
  const auto rows = u64(shape.blockTokens);
  const model::AttentionShape& heads = shape.config.attention;
  const auto queryDim = u64(heads.queryDim());
  const auto chunks = u64(shape.chunkCount);
  std::uint64_t floats = shape.streamColumns() + queryDim +
                         chunks * (queryDim + 2 * u64(heads.queryHeadCount)) + shape.hiddenColumns() +
                         u64(shape.config.vocabSize) + shape.attendedColumns();
  if (shape.traits().headNorms) floats += queryDim + 2 * u64(heads.kvDim());
  if (shape.traits().branchNorms) floats += shape.streamColumns();
  std::uint64_t bytes = rows * floats * sizeof(float) + sizeof(StepParams);
  bytes += (shape.captureFloats + 2 * shape.captureExtents) * sizeof(float);
  bytes += u64(shape.options.contextLength) * u64(shape.config.ropeDim / 2) * 2 * sizeof(float);
  if (shape.traits().positions == model::Positions::Learned) {
    bytes += u64(shape.options.contextLength) * shape.streamColumns() * sizeof(float);
  }
  if (shape.traits().activation == model::Activation::GeluTable) bytes += (1u << 16) * sizeof(std::uint16_t);
  return bytes;
}

model::MemoryNeed needOf(const model::Model& model, const StepShape& shape, DeviceStorage storage) {
  const WeightSum weights(model, shape, storage);
  return {.weights = weights.bytes(),
          .cache = model::kvCacheBytes(shape.config, shape.options.kvType, u64(shape.options.contextLength),
                                       u64(shape.options.batch)),
          .working = workingBytes(shape),
          .storage = weights.storageText()};
}

}  // namespace

model::MemoryNeed memoryNeed(const vulkan::DeviceInfo& device, const model::Model& model,
                             const model::DecoderOptions& options, DeviceStorage storage) {
  return translateErrors(
      [&] { return needOf(model, StepShape::make(device, model.config, options), storage); });
}

void refuseIfTooLarge(const vulkan::DeviceInfo& device, const StepShape& shape,
                      const model::MemoryNeed& need) {
  if (need.total() <= device.memoryBytes) return;
  constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
  const auto gib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / kGiB; };
  std::string advice = "a smaller model, or one of smaller storage, would";
  if (need.weights + need.working < device.memoryBytes) {
    const std::uint64_t perPosition = need.cache / u64(shape.options.contextLength);
    advice =
        fmt::format("a context of {} positions would", (device.memoryBytes - need.weights - need.working) /
                                                           std::max<std::uint64_t>(1, perPosition));
  }
  throw vulkan::Error(fmt::format(
      "This model needs {:.2f} GiB on {} ({:.2f} weights as {}, {:.2f} cache of {} positions, {:.2f} "
      "working memory), which has {:.2f}; {} fit.",
      gib(need.total()), device.name, gib(need.weights), need.storage, gib(need.cache),
      shape.options.contextLength, gib(need.working), gib(device.memoryBytes), advice));
}

}  // namespace headroom::engine
