#include "core/engine/device_weights.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace headroom::engine {

namespace {

using model::Tensor;

WeightFormat formatOf(const Tensor& tensor, bool keepHalf) {
  return keepHalf && tensor.storage == model::Storage::F16 ? WeightFormat::F16 : WeightFormat::F32;
}

PackedMatrix pack(vulkan::Device& device, const Tensor& tensor, bool keepHalf, const std::string& what) {
  return PackedMatrix(device, tensor.rows, tensor.columns, formatOf(tensor, keepHalf), what,
                      [&](std::int64_t row, std::span<float> out) { tensor.readRow(row, out); });
}

/// The source row of row `row` of a Q or K matrix when rotated pairs shall be adjacent.
std::int64_t adjacentPairRow(const model::ModelConfig& config, std::int64_t row) {
  if (config.ropePairing == model::RopePairing::Adjacent) return row;
  const std::int64_t headDim = config.attention.headDim;
  const std::int64_t element = row % headDim;
  if (element >= config.ropeDim) return row;
  return row - element + element / 2 + (element % 2) * (config.ropeDim / 2);
}

PackedMatrix packQkv(vulkan::Device& device, const model::ModelConfig& config,
                     const model::LayerWeights& layer, bool keepHalf, const std::string& what) {
  const std::int64_t queryRows = layer.query.rows;
  const std::int64_t kvRows = layer.key.rows;
  const bool allHalf = formatOf(layer.query, keepHalf) == WeightFormat::F16 &&
                       formatOf(layer.key, keepHalf) == WeightFormat::F16 &&
                       formatOf(layer.value, keepHalf) == WeightFormat::F16;
  return PackedMatrix(device, queryRows + 2 * kvRows, layer.query.columns,
                      allHalf ? WeightFormat::F16 : WeightFormat::F32, what,
                      [&](std::int64_t row, std::span<float> out) {
                        if (row < queryRows) {
                          layer.query.readRow(adjacentPairRow(config, row), out);
                        } else if (row < queryRows + kvRows) {
                          layer.key.readRow(adjacentPairRow(config, row - queryRows), out);
                        } else {
                          layer.value.readRow(row - queryRows - kvRows, out);
                        }
                      });
}

PackedMatrix packGateUp(vulkan::Device& device, const model::LayerWeights& layer, bool keepHalf,
                        const std::string& what) {
  const std::int64_t paddedRows =
      static_cast<std::int64_t>(roundUp(static_cast<std::uint64_t>(layer.ffnGate.rows), 8));
  const bool allHalf = formatOf(layer.ffnGate, keepHalf) == WeightFormat::F16 &&
                       formatOf(layer.ffnUp, keepHalf) == WeightFormat::F16;
  return PackedMatrix(device, 2 * paddedRows, layer.ffnGate.columns,
                      allHalf ? WeightFormat::F16 : WeightFormat::F32, what,
                      [&](std::int64_t row, std::span<float> out) {
                        const Tensor& source = row / 8 % 2 == 0 ? layer.ffnGate : layer.ffnUp;
                        const std::int64_t sourceRow = row / 16 * 8 + row % 8;
                        if (sourceRow < source.rows) {
                          source.readRow(sourceRow, out);
                        } else {
                          std::ranges::fill(out, 0.0f);
                        }
                      });
}

}  // namespace

GainVector::GainVector(vulkan::Device& device, const Tensor& gains, const std::string& what)
    : m_logicalBytes(static_cast<std::uint64_t>(gains.columns) * sizeof(float)),
      m_buffer(device, paddedColumns(static_cast<std::uint64_t>(gains.columns)) * sizeof(float),
               vulkan::MemoryPlace::Device, what),
      m_view(device, m_buffer, VK_FORMAT_R32G32B32A32_SFLOAT, 0, m_buffer.bytes()) {
  const std::vector<float> values = gains.toFloat();
  vulkan::upload(device, m_buffer, 0, std::as_bytes(std::span(values)));
}

DeviceWeights::DeviceWeights(vulkan::Device& device, const model::Model& model, int contextLength,
                             bool keepHalf)
    : tokenEmbedding(pack(device, model.weights.tokenEmbedding, keepHalf, "the token embedding")),
      outputNorm(device, model.weights.outputNorm, "the output norm"),
      tied(model.weights.tied()) {
  const model::ModelConfig& config = model.config;
  if (!tied) output = pack(device, model.weights.output, keepHalf, "the output matrix");
  for (int index = 0; index < config.layerCount; ++index) {
    const model::LayerWeights& layer = model.weights.layers[static_cast<std::size_t>(index)];
    const auto what = [&](const char* part) { return fmt::format("{} of layer {}", part, index); };
    layers.push_back(
        {.attentionNorm = GainVector(device, layer.attentionNorm, what("the attention norm")),
         .qkv = packQkv(device, config, layer, keepHalf, what("Q, K and V")),
         .attentionOutput = pack(device, layer.attentionOutput, keepHalf, what("the attention output")),
         .ffnNorm = GainVector(device, layer.ffnNorm, what("the feed-forward norm")),
         .gateUp = packGateUp(device, layer, keepHalf, what("gate and up")),
         .ffnDown = pack(device, layer.ffnDown, keepHalf, what("the down projection"))});
  }

  const int pairs = config.ropeDim / 2;
  std::vector<float> angles;
  angles.reserve(static_cast<std::size_t>(contextLength) * std::max(1, pairs) * 2);
  for (int position = 0; position < contextLength; ++position) {
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
