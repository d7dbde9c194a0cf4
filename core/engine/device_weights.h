#pragma once

#include <vector>

#include "core/engine/device_matrix.h"
#include "core/engine/row_terms.h"
#include "core/engine/weight_layout.h"
#include "core/model/model.h"
#include "core/vulkan/buffer.h"

namespace headroom::engine {

/// A vector of f32 gains on the device, zeros behind its end.
class GainVector {
 public:
  GainVector() = default;
  GainVector(vulkan::Device& device, const model::Tensor& gains, const std::string& what);
  const vulkan::TexelView& view() const { return m_view; }
  const vulkan::Buffer& buffer() const { return m_buffer; }
  /// Bytes of one full read by one workgroup.
  std::uint64_t paddedBytes() const { return m_buffer.bytes(); }
  std::uint64_t logicalBytes() const { return m_logicalBytes; }

 private:
  std::uint64_t m_logicalBytes = 0;
  vulkan::Buffer m_buffer;
  vulkan::TexelView m_view;
};

/// A matrix with what its rows add: biases, and the part of a LayerNorm before it that is the same for all
/// inputs.
struct DeviceProjection {
  DeviceMatrix matrix;
  RowTerms terms;
  std::int64_t firstRow = 0;  ///< of a part of Q, K and V, among the rows of all
};

struct DeviceLayer {
  GainVector attentionNorm;
  /// Rows of Q, then K, then V, heads in adjacent-pair RoPE order: one matrix, or several where they are
  /// stored otherwise.
  std::vector<DeviceProjection> qkv;
  vulkan::Buffer headGains;
  vulkan::TexelView headGainView;  ///< [2][headDim / 2] pairs, of query and key heads; where heads have norms
  DeviceProjection attentionOutput;
  GainVector attentionPostNorm;
  GainVector ffnNorm;
  DeviceProjection gateUp;  ///< gate and up by turns: a block of each (packed family), or a row; or up
  DeviceProjection ffnDown;
  GainVector ffnPostNorm;
};

/// All weights of a model on a device, and the tables that follow from the model alone.
struct DeviceWeights {
  /// Uploads everything of `layout`, which is not needed afterwards. Throws vulkan::Error.
  DeviceWeights(vulkan::Device& device, const WeightLayout& layout, const UploadWatch& watch = {});

  DeviceMatrix tokenEmbedding;
  GainVector outputNorm;
  DeviceMatrix output;   ///< empty when tied; use outputMatrix()
  RowTerms outputTerms;  ///< of outputMatrix()
  std::vector<DeviceLayer> layers;
  vulkan::Buffer positions;
  vulkan::TexelView positionView;  ///< [position][streamColumns / 4] learned positions
  vulkan::Buffer geluTable;
  vulkan::TexelView geluView;  ///< [65536] halves, of Activation::GeluTable

  const DeviceMatrix& outputMatrix() const { return tied ? tokenEmbedding : output; }
  bool tied = false;

 private:
  void uploadPositions(vulkan::Device& device, const model::Tensor& learned);
};

}  // namespace headroom::engine
