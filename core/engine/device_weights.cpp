#include "core/engine/device_weights.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace headroom::engine {

namespace {

using model::Tensor;

/// Whether bytes of a Q8_0 tensor hold -128, which signed normalised texels cannot tell from -127.
bool holdsMinus128(const Tensor& tensor) {
  constexpr std::size_t kBlockBytes = 34;
  for (std::size_t block = 0; block + kBlockBytes <= tensor.bytes.size(); block += kBlockBytes) {
    const auto quants = tensor.bytes.subspan(block + 2, kBlockBytes - 2);
    if (std::ranges::find(quants, std::byte{0x80}) != quants.end()) return true;
  }
  return false;
}

/// Lays out matrices for one family of kernels.
class MatrixMaker {
 public:
  MatrixMaker(vulkan::Device& device, const model::ModelConfig& config, const model::KernelPlan& plan,
              DeviceStorage storage)
      : m_device(device), m_config(config), m_plan(plan), m_storage(storage) {}

  DeviceMatrix plain(const Tensor& tensor, const std::string& what) const {
    return make({&tensor}, tensor.rows, what, [&](std::int64_t row) { return RowReference{&tensor, row}; });
  }

  DeviceMatrix qkv(const model::LayerWeights& layer, const std::string& what) const {
    const std::int64_t queryRows = layer.query.rows;
    const std::int64_t kvRows = layer.key.rows;
    return make({&layer.query, &layer.key, &layer.value}, queryRows + 2 * kvRows, what,
                [&](std::int64_t row) {
                  if (row < queryRows)
                    return RowReference{&layer.query, model::adjacentPairRow(m_config, row)};
                  if (row < queryRows + kvRows)
                    return RowReference{&layer.key, model::adjacentPairRow(m_config, row - queryRows)};
                  return RowReference{&layer.value, row - queryRows - kvRows};
                });
  }

  /// Gate and up by turns, as many rows of each as the kernels compute side by side.
  DeviceMatrix gateUp(const model::LayerWeights& layer, const std::string& what) const {
    const std::int64_t turn = m_plan.family == model::KernelFamily::Packed ? 8 : 1;
    const auto padded = static_cast<std::int64_t>(
        roundUp(static_cast<std::uint64_t>(layer.ffnGate.rows), static_cast<std::uint64_t>(turn)));
    return make({&layer.ffnGate, &layer.ffnUp}, 2 * padded, what, [&layer, turn](std::int64_t row) {
      const Tensor& source = row / turn % 2 == 0 ? layer.ffnGate : layer.ffnUp;
      const std::int64_t sourceRow = row / (2 * turn) * turn + row % turn;
      return sourceRow < source.rows ? RowReference{&source, sourceRow} : RowReference{};
    });
  }

 private:
  model::Storage storageFor(std::initializer_list<const Tensor*> tensors) const {
    const model::Storage first = (*tensors.begin())->storage;
    const bool alike =
        std::ranges::all_of(tensors, [&](const Tensor* tensor) { return tensor->storage == first; });
    if (m_storage == DeviceStorage::F32 || !alike) return model::Storage::F32;
    if (first == model::Storage::Q8_0 && m_plan.family == model::KernelFamily::Packed &&
        std::ranges::any_of(tensors, [](const Tensor* tensor) { return holdsMinus128(*tensor); })) {
      return model::Storage::F32;
    }
    const bool known = first == model::Storage::F16 || first == model::Storage::Q8_0;
    return known ? first : model::Storage::F32;
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
                        what, rowAt);
  }

  vulkan::Device& m_device;
  const model::ModelConfig& m_config;
  model::KernelPlan m_plan;
  DeviceStorage m_storage;
};

}  // namespace

GainVector::GainVector(vulkan::Device& device, const Tensor& gains, const std::string& what)
    : m_logicalBytes(static_cast<std::uint64_t>(gains.columns) * sizeof(float)),
      m_buffer(device, paddedColumns(static_cast<std::uint64_t>(gains.columns)) * sizeof(float),
               vulkan::MemoryPlace::Device, what),
      m_view(device, m_buffer, VK_FORMAT_R32G32B32A32_SFLOAT, 0, m_buffer.bytes()) {
  const std::vector<float> values = gains.toFloat();
  vulkan::upload(device, m_buffer, 0, std::as_bytes(std::span(values)));
}

DeviceWeights::DeviceWeights(vulkan::Device& device, const model::Model& model, const StepShape& shape,
                             DeviceStorage storage)
    : outputNorm(device, model.weights.outputNorm, "the output norm"), tied(model.weights.tied()) {
  const model::ModelConfig& config = model.config;
  const MatrixMaker make(device, config, shape.plan, storage);
  tokenEmbedding = make.plain(model.weights.tokenEmbedding, "the token embedding");
  if (!tied) output = make.plain(model.weights.output, "the output matrix");
  for (int index = 0; index < config.layerCount; ++index) {
    const model::LayerWeights& layer = model.weights.layers[static_cast<std::size_t>(index)];
    const auto what = [&](const char* part) { return fmt::format("{} of layer {}", part, index); };
    layers.push_back({.attentionNorm = GainVector(device, layer.attentionNorm, what("the attention norm")),
                      .qkv = make.qkv(layer, what("Q, K and V")),
                      .attentionOutput = make.plain(layer.attentionOutput, what("the attention output")),
                      .ffnNorm = GainVector(device, layer.ffnNorm, what("the feed-forward norm")),
                      .gateUp = make.gateUp(layer, what("gate and up")),
                      .ffnDown = make.plain(layer.ffnDown, what("the down projection"))});
  }

  const int pairs = config.ropeDim / 2;
  std::vector<float> angles;
  angles.reserve(static_cast<std::size_t>(shape.options.contextLength) * std::max(1, pairs) * 2);
  for (int position = 0; position < shape.options.contextLength; ++position) {
    for (int pair = 0; pair < pairs; ++pair) {
      const double angle = position * std::pow(static_cast<double>(config.ropeBase),
                                               -2.0 * pair / static_cast<double>(config.ropeDim));
      angles.push_back(static_cast<float>(std::cos(angle)));
      angles.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  if (angles.empty()) angles.resize(2);  // no rotated elements: the kernel never reads it, but binds it
  ropeTable =
      vulkan::Buffer(device, angles.size() * sizeof(float), vulkan::MemoryPlace::Device, "RoPE angles");
  vulkan::upload(device, ropeTable, 0, std::as_bytes(std::span(angles)));
  ropeView = vulkan::TexelView(device, ropeTable, VK_FORMAT_R32G32_SFLOAT, 0, ropeTable.bytes());
}

}  // namespace headroom::engine
