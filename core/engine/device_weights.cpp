#include "core/engine/device_weights.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "core/model/gelu_table.h"

namespace headroom::engine {

namespace {

using model::Tensor;

/// Whether bytes of a Q8_0 tensor hold -128, which signed normalised texels cannot tell from -127.
bool holdsMinus128(const Tensor& tensor) {
  for (std::size_t block = 0; block + model::kQ8BlockBytes <= tensor.bytes.size();
       block += model::kQ8BlockBytes) {
    const auto quants = tensor.bytes.subspan(block + 2, model::kQ8BlockElements);
    if (std::ranges::find(quants, std::byte{0x80}) != quants.end()) return true;
  }
  return false;
}

/// Biases of a projection's sources, by tensor.
class Biases {
 public:
  explicit Biases(std::initializer_list<std::pair<const Tensor*, const Tensor*>> ofTensors) {
    for (const auto& [tensor, bias] : ofTensors) {
      if (!bias->empty()) m_values.emplace(tensor, bias->toFloat());
    }
  }
  bool empty() const { return m_values.empty(); }
  float at(const RowReference& row) const {
    const auto found = m_values.find(row.tensor);
    return found == m_values.end() ? 0.0f : found->second[static_cast<std::size_t>(row.row)];
  }

 private:
  std::map<const Tensor*, std::vector<float>> m_values;
};

/// Lays out matrices for one family of kernels.
class MatrixMaker {
 public:
  MatrixMaker(vulkan::Device& device, const model::ModelConfig& config, const model::KernelPlan& plan,
              DeviceStorage storage, const UploadWatch& watch)
      : m_device(device), m_config(config), m_plan(plan), m_storage(storage), m_watch(watch) {}

  DeviceMatrix plain(const Tensor& tensor, const std::string& what) const {
    return make({&tensor}, tensor.rows, what, ofRow(tensor));
  }
  RowTerms plainTerms(const Tensor& tensor, const Tensor& bias, const LayerNormVectors& norm,
                      const std::string& what) const {
    return terms(tensor.rows, norm, what, ofRow(tensor), Biases({{&tensor, &bias}}));
  }
  DeviceProjection plainProjection(const Tensor& tensor, const Tensor& bias, const LayerNormVectors& norm,
                                   const std::string& what, bool hasTerms) const {
    return {plain(tensor, what), hasTerms ? plainTerms(tensor, bias, norm, what) : RowTerms()};
  }

  DeviceProjection qkv(const model::LayerWeights& layer, const LayerNormVectors& norm,
                       const std::string& what, bool hasTerms) const {
    const std::int64_t queryRows = layer.query.rows;
    const std::int64_t kvRows = layer.key.rows;
    const auto rowAt = [&, queryRows, kvRows](std::int64_t row) {
      if (row < queryRows) return RowReference{&layer.query, model::adjacentPairRow(m_config, row)};
      if (row < queryRows + kvRows)
        return RowReference{&layer.key, model::adjacentPairRow(m_config, row - queryRows)};
      return RowReference{&layer.value, row - queryRows - kvRows};
    };
    const Biases biases(
        {{&layer.query, &layer.queryBias}, {&layer.key, &layer.keyBias}, {&layer.value, &layer.valueBias}});
    const std::int64_t rows = queryRows + 2 * kvRows;
    return {make({&layer.query, &layer.key, &layer.value}, rows, what, rowAt),
            hasTerms ? terms(rows, norm, what, rowAt, biases) : RowTerms()};
  }

  /// Gate and up by turns, as many rows of each as the kernels compute side by side.
  DeviceProjection gateUp(const model::LayerWeights& layer, const LayerNormVectors& norm,
                          const std::string& what, bool hasTerms) const {
    const std::int64_t turn = m_plan.family == model::KernelFamily::Packed ? 8 : 1;
    const auto rows = static_cast<std::int64_t>(
        2 * roundUp(static_cast<std::uint64_t>(layer.ffnGate.rows), static_cast<std::uint64_t>(turn)));
    const auto rowAt = [&layer, turn](std::int64_t row) {
      const Tensor& source = row / turn % 2 == 0 ? layer.ffnGate : layer.ffnUp;
      const std::int64_t sourceRow = row / (2 * turn) * turn + row % turn;
      return sourceRow < source.rows ? RowReference{&source, sourceRow} : RowReference{};
    };
    const Biases biases({{&layer.ffnGate, &layer.ffnGateBias}, {&layer.ffnUp, &layer.ffnUpBias}});
    return {make({&layer.ffnGate, &layer.ffnUp}, rows, what, rowAt),
            hasTerms ? terms(rows, norm, what, rowAt, biases) : RowTerms()};
  }

 private:
  static std::function<RowReference(std::int64_t)> ofRow(const Tensor& tensor) {
    return [&tensor](std::int64_t row) { return RowReference{&tensor, row}; };
  }

  RowTerms terms(std::int64_t rows, const LayerNormVectors& norm, const std::string& what,
                 const std::function<RowReference(std::int64_t)>& rowAt, const Biases& biases) const {
    return RowTerms(m_device, rows, norm, what, rowAt,
                    [&](std::int64_t row) { return biases.at(rowAt(row)); });
  }

  model::Storage storageFor(std::initializer_list<const Tensor*> tensors) const {
    const model::Storage kept = keptAs(tensors, m_storage);
    if (kept == model::Storage::Q8_0 && m_plan.family == model::KernelFamily::Packed &&
        std::ranges::any_of(tensors, [](const Tensor* tensor) { return holdsMinus128(*tensor); })) {
      return model::Storage::F32;
    }
    return kept;
  }

  template <typename RowAt>
  DeviceMatrix make(std::initializer_list<const Tensor*> tensors, std::int64_t rows, const std::string& what,
                    const RowAt& rowAt) const {
    return DeviceMatrix(m_device,
                        {.rows = rows,
                         .columns = (*tensors.begin())->columns,
                         .storage = storageFor(tensors),
                         .family = m_plan.family,
                         .rowBlocks = m_plan.rowBlocks},
                        what, rowAt, m_watch);
  }

  vulkan::Device& m_device;
  const model::ModelConfig& m_config;
  model::KernelPlan m_plan;
  DeviceStorage m_storage;
  const UploadWatch& m_watch;
};

}  // namespace

TermsWanted::TermsWanted(const model::Model& model) {
  const bool layerNorm = model.config.traits.norm == model::Norm::Layer;
  qkv = gateUp = output = layerNorm;
  output |= !model.weights.outputBias.empty();
  for (const model::LayerWeights& layer : model.weights.layers) {
    qkv |= !layer.queryBias.empty() || !layer.keyBias.empty() || !layer.valueBias.empty();
    attentionOutput |= !layer.attentionOutputBias.empty();
    gateUp |= !layer.ffnGateBias.empty() || !layer.ffnUpBias.empty();
    ffnDown |= !layer.ffnDownBias.empty();
  }
}

model::Storage keptAs(std::initializer_list<const Tensor*> tensors, DeviceStorage storage) {
  const model::Storage first = (*tensors.begin())->storage;
  const bool alike =
      std::ranges::all_of(tensors, [&](const Tensor* tensor) { return tensor->storage == first; });
  const bool hasKernels = first == model::Storage::F16 || first == model::Storage::Q8_0;
  return storage == DeviceStorage::AsStored && alike && hasKernels ? first : model::Storage::F32;
}

std::int64_t gateUpRows(std::int64_t ffnDim, model::KernelFamily family) {
  const std::int64_t turn = family == model::KernelFamily::Packed ? 8 : 1;
  return 2 * ((ffnDim + turn - 1) / turn * turn);
}

GainVector::GainVector(vulkan::Device& device, const Tensor& gains, const std::string& what)
    : m_logicalBytes(static_cast<std::uint64_t>(gains.columns) * sizeof(float)),
      m_buffer(device, paddedColumns(static_cast<std::uint64_t>(gains.columns)) * sizeof(float),
               vulkan::MemoryPlace::Device, what),
      m_view(device, m_buffer, VK_FORMAT_R32G32B32A32_SFLOAT, 0, m_buffer.bytes()) {
  const std::vector<float> values = gains.toFloat();
  vulkan::upload(device, m_buffer, 0, std::as_bytes(std::span(values)));
}

DeviceWeights::DeviceWeights(vulkan::Device& device, const model::Model& model, const StepShape& shape,
                             DeviceStorage storage, const UploadWatch& watch)
    : outputNorm(device, model.weights.outputNorm, "the output norm"), tied(model.weights.tied()) {
  const model::ModelConfig& config = model.config;
  const model::Weights& weights = model.weights;
  const MatrixMaker make(device, config, shape.plan, storage, watch);
  const TermsWanted wanted(model);
  const bool layerNorm = config.traits.norm == model::Norm::Layer;
  const auto vectors = [&](const Tensor& gain, const Tensor& bias) {
    return layerNorm ? LayerNormVectors(gain, bias) : LayerNormVectors();
  };
  tokenEmbedding = make.plain(weights.tokenEmbedding, "the token embedding");
  if (!tied) output = make.plain(weights.output, "the output matrix");
  if (wanted.output) {
    outputTerms = make.plainTerms(weights.output, weights.outputBias,
                                  vectors(weights.outputNorm, weights.outputNormBias), "the output matrix");
  }
  const bool gated = config.traits.feedForward == model::FeedForward::Gated;
  for (int index = 0; index < config.layerCount; ++index) {
    const model::LayerWeights& layer = weights.layers[static_cast<std::size_t>(index)];
    const auto what = [&](const char* part) { return fmt::format("{} of layer {}", part, index); };
    const LayerNormVectors attentionNorm = vectors(layer.attentionNorm, layer.attentionNormBias);
    const LayerNormVectors ffnNorm = vectors(layer.ffnNorm, layer.ffnNormBias);
    DeviceLayer& target = layers.emplace_back();
    target.attentionNorm = GainVector(device, layer.attentionNorm, what("the attention norm"));
    target.qkv = make.qkv(layer, attentionNorm, what("Q, K and V"), wanted.qkv);
    if (config.traits.headNorms) uploadHeadGains(device, config, layer, what("the head norms"), target);
    target.attentionOutput = make.plainProjection(layer.attentionOutput, layer.attentionOutputBias, {},
                                                  what("the attention output"), wanted.attentionOutput);
    target.ffnNorm = GainVector(device, layer.ffnNorm, what("the feed-forward norm"));
    target.gateUp = gated ? make.gateUp(layer, ffnNorm, what("gate and up"), wanted.gateUp)
                          : make.plainProjection(layer.ffnUp, layer.ffnUpBias, ffnNorm,
                                                 what("the up projection"), wanted.gateUp);
    target.ffnDown = make.plainProjection(layer.ffnDown, layer.ffnDownBias, {}, what("the down projection"),
                                          wanted.ffnDown);
    if (config.traits.branchNorms) {
      target.attentionPostNorm =
          GainVector(device, layer.attentionPostNorm, what("the norm of attention's result"));
      target.ffnPostNorm = GainVector(device, layer.ffnPostNorm, what("the norm of the FFN's result"));
    }
  }
  uploadTables(device, model, shape);
}

void DeviceWeights::uploadHeadGains(vulkan::Device& device, const model::ModelConfig& config,
                                    const model::LayerWeights& layer, const std::string& what,
                                    DeviceLayer& target) {
  std::vector<float> gains;
  for (const Tensor* norm : {&layer.queryNorm, &layer.keyNorm}) {
    const std::vector<float> stored = norm->toFloat();
    for (std::int64_t i = 0; i < norm->columns; ++i) {
      gains.push_back(stored[static_cast<std::size_t>(model::adjacentPairRow(config, i))]);
    }
  }
  target.headGains = vulkan::Buffer(device, gains.size() * sizeof(float), vulkan::MemoryPlace::Device, what);
  vulkan::upload(device, target.headGains, 0, std::as_bytes(std::span(gains)));
  target.headGainView =
      vulkan::TexelView(device, target.headGains, VK_FORMAT_R32G32_SFLOAT, 0, target.headGains.bytes());
}

void DeviceWeights::uploadTables(vulkan::Device& device, const model::Model& model, const StepShape& shape) {
  const auto table = [&](vulkan::Buffer& buffer, vulkan::TexelView& view, std::span<const std::byte> bytes,
                         VkFormat format, const char* what) {
    buffer = vulkan::Buffer(device, bytes.size(), vulkan::MemoryPlace::Device, what);
    vulkan::upload(device, buffer, 0, bytes);
    view = vulkan::TexelView(device, buffer, format, 0, buffer.bytes());
  };
  const model::RopeTable rope(model.config, shape.options.contextLength);
  std::vector<float> angles;
  angles.reserve(static_cast<std::size_t>(shape.options.contextLength) * rope.frequencies.size() * 2);
  for (int position = 0; position < shape.options.contextLength; ++position) {
    for (double frequency : rope.frequencies) {
      angles.push_back(static_cast<float>(rope.magnitude * std::cos(position * frequency)));
      angles.push_back(static_cast<float>(rope.magnitude * std::sin(position * frequency)));
    }
  }
  if (angles.empty()) angles.resize(2);  // no rotated elements: the kernel never reads it, but binds it
  table(ropeTable, ropeView, std::as_bytes(std::span(angles)), VK_FORMAT_R32G32_SFLOAT, "RoPE angles");

  if (model.config.traits.positions == model::Positions::Learned) {
    const Tensor& learned = model.weights.positionEmbedding;
    const auto columns = static_cast<std::size_t>(shape.streamColumns());
    const auto rows = static_cast<std::size_t>(shape.options.contextLength);
    std::vector<float> padded(rows * columns);
    for (std::size_t row = 0; row < rows; ++row) {
      learned.readRow(static_cast<std::int64_t>(row),
                      std::span(padded).subspan(row * columns, static_cast<std::size_t>(learned.columns)));
    }
    table(positions, positionView, std::as_bytes(std::span(padded)), VK_FORMAT_R32G32B32A32_SFLOAT,
          "the position embedding");
  }
  if (model.config.traits.activation == model::Activation::GeluTable) {
    const std::vector<std::uint16_t> values = model::geluTable();
    table(geluTable, geluView, std::as_bytes(std::span(values)), VK_FORMAT_R16_SFLOAT, "the GELU table");
  }
}

}  // namespace headroom::engine
