#include "core/engine/device_weights.h"

#include <map>

#include <fmt/format.h>

#include "core/model/gelu_table.h"

namespace headroom::engine {

namespace {

using model::Tensor;

/// Biases of a projection's sources, by tensor.
class Biases {
 public:
  explicit Biases(const std::vector<std::pair<const Tensor*, const Tensor*>>& ofTensors) {
    for (const auto& [tensor, bias] : ofTensors) {
      if (!bias->empty()) m_values.emplace(tensor, bias->toFloat());
    }
  }
  float at(const RowReference& row) const {
    const auto found = m_values.find(row.tensor);
    return found == m_values.end() ? 0.0f : found->second[static_cast<std::size_t>(row.row)];
  }

 private:
  std::map<const Tensor*, std::vector<float>> m_values;
};

DeviceMatrix upload(vulkan::Device& device, const MatrixLayout& layout, const UploadWatch& watch) {
  return DeviceMatrix(device, layout.form, layout.what, layout.rowAt, watch);
}

RowTerms uploadTerms(vulkan::Device& device, const ProjectionLayout& layout) {
  if (!layout.hasTerms) return {};
  const Biases biases(layout.biases);
  const LayerNormVectors norm = layout.norm.gain != nullptr
                                    ? LayerNormVectors(*layout.norm.gain, *layout.norm.bias)
                                    : LayerNormVectors();
  return RowTerms(device, layout.matrix.form.rows, norm, layout.matrix.what, layout.matrix.rowAt,
                  [&](std::int64_t row) { return biases.at(layout.matrix.rowAt(row)); });
}

DeviceProjection upload(vulkan::Device& device, const ProjectionLayout& layout, const UploadWatch& watch) {
  DeviceMatrix matrix = upload(device, layout.matrix, watch);
  return {std::move(matrix), uploadTerms(device, layout), layout.firstRow};
}

/// A buffer of `bytes` with a view of all of it.
void uploadTable(vulkan::Device& device, vulkan::Buffer& buffer, vulkan::TexelView& view,
                 std::span<const std::byte> bytes, VkFormat format, const std::string& what) {
  buffer = vulkan::Buffer(device, bytes.size(), vulkan::MemoryPlace::Device, what);
  vulkan::upload(device, buffer, 0, bytes);
  view = vulkan::TexelView(device, buffer, format, 0, buffer.bytes());
}

void uploadHeadGains(vulkan::Device& device, const model::ModelConfig& config, const LayerLayout& layout,
                     const std::string& what, DeviceLayer& target) {
  std::vector<float> gains;
  for (const Tensor* norm : {layout.queryNorm, layout.keyNorm}) {
    const std::vector<float> stored = norm->toFloat();
    for (std::int64_t i = 0; i < norm->columns; ++i) {
      gains.push_back(stored[static_cast<std::size_t>(model::adjacentPairRow(config, i))]);
    }
  }
  uploadTable(device, target.headGains, target.headGainView, std::as_bytes(std::span(gains)),
              VK_FORMAT_R32G32_SFLOAT, what);
}

DeviceLayer uploadLayer(vulkan::Device& device, const model::ModelConfig& config, const LayerLayout& layout,
                        int index, const UploadWatch& watch) {
  const auto gain = [&](const Tensor* gains, const char* part) {
    return gains == nullptr ? GainVector()
                            : GainVector(device, *gains, fmt::format("{} of layer {}", part, index));
  };
  DeviceLayer layer;
  layer.attentionNorm = gain(layout.attentionNorm, "the attention norm");
  for (const ProjectionLayout& part : layout.qkv) layer.qkv.push_back(upload(device, part, watch));
  if (layout.queryNorm != nullptr) {
    uploadHeadGains(device, config, layout, fmt::format("the head norms of layer {}", index), layer);
  }
  layer.attentionOutput = upload(device, layout.attentionOutput, watch);
  layer.attentionPostNorm = gain(layout.attentionPostNorm, "the norm of attention's result");
  layer.ffnNorm = gain(layout.ffnNorm, "the feed-forward norm");
  layer.gateUp = upload(device, layout.gateUp, watch);
  layer.ffnDown = upload(device, layout.ffnDown, watch);
  layer.ffnPostNorm = gain(layout.ffnPostNorm, "the norm of the FFN's result");
  return layer;
}

}  // namespace

GainVector::GainVector(vulkan::Device& device, const Tensor& gains, const std::string& what)
    : m_logicalBytes(static_cast<std::uint64_t>(gains.columns) * sizeof(float)),
      m_buffer(device, gainBytes(&gains), vulkan::MemoryPlace::Device, what),
      m_view(device, m_buffer, VK_FORMAT_R32G32B32A32_SFLOAT, 0, m_buffer.bytes()) {
  const std::vector<float> values = gains.toFloat();
  vulkan::upload(device, m_buffer, 0, std::as_bytes(std::span(values)));
}

DeviceWeights::DeviceWeights(vulkan::Device& device, const WeightLayout& layout, const UploadWatch& watch)
    : tokenEmbedding(upload(device, layout.tokenEmbedding, watch)),
      outputNorm(device, *layout.outputNorm, "the output norm"),
      tied(layout.tied) {
  if (!tied) output = upload(device, layout.output.matrix, watch);
  outputTerms = uploadTerms(device, layout.output);
  for (int index = 0; index < std::ssize(layout.layers); ++index) {
    layers.push_back(uploadLayer(device, layout.model.config, layout.layers[static_cast<std::size_t>(index)],
                                 index, watch));
  }
  if (layout.positionEmbedding != nullptr) uploadPositions(device, *layout.positionEmbedding);
  if (layout.hasGeluTable) {
    const std::vector<std::uint16_t> values = model::geluTable();
    uploadTable(device, geluTable, geluView, std::as_bytes(std::span(values)), VK_FORMAT_R16_SFLOAT,
                "the GELU table");
  }
}

void DeviceWeights::uploadPositions(vulkan::Device& device, const Tensor& learned) {
  std::vector<float> padded(positionBytes(learned) / sizeof(float));
  const auto columns = static_cast<std::size_t>(learned.columns);
  const std::size_t stride = paddedColumns(columns);
  for (std::int64_t row = 0; row < learned.rows; ++row) {
    learned.readRow(row, std::span(padded).subspan(static_cast<std::size_t>(row) * stride, columns));
  }
  uploadTable(device, positions, positionView, std::as_bytes(std::span(padded)),
              VK_FORMAT_R32G32B32A32_SFLOAT, "the position embedding");
}

}  // namespace headroom::engine
