#pragma once

#include <initializer_list>
#include <vector>

#include "core/engine/device_matrix.h"
#include "core/engine/row_terms.h"
#include "core/engine/step_shape.h"
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
};

struct DeviceLayer {
  GainVector attentionNorm;
  DeviceProjection qkv;  ///< rows of Q, then K, then V; heads in adjacent-pair RoPE order
  vulkan::Buffer headGains;
  vulkan::TexelView headGainView;  ///< [2][headDim / 2] pairs, of query and key heads; where heads have norms
  DeviceProjection attentionOutput;
  GainVector attentionPostNorm;
  GainVector ffnNorm;
  DeviceProjection
      gateUp;  ///< gate and up by turns: 8 rows of each (packed family), or one row of each; or up
  DeviceProjection ffnDown;
  GainVector ffnPostNorm;
};

/// How matrices are kept on the device.
enum class DeviceStorage {
  AsStored,  ///< f16 and Q8_0 stay what they are in the file
  F32,       ///< everything is widened
};

/// How matrices that lie in one on the device are kept there: as stored where there are kernels for it and
/// all are stored alike, else widened to F32. (Q8_0 with a byte of -128 is widened too, in the packed
/// family.)
model::Storage keptAs(std::initializer_list<const model::Tensor*> tensors, DeviceStorage storage);

/// Rows of gate and up in one matrix, whole turns of each.
std::int64_t gateUpRows(std::int64_t ffnDim, model::KernelFamily family);

/// Which projections have row terms: the same in all layers, so that one kernel serves them.
struct TermsWanted {
  bool qkv = false, attentionOutput = false, gateUp = false, ffnDown = false, output = false;

  explicit TermsWanted(const model::Model& model);
};

/// All weights of a model on a device, and the tables that follow from its configuration.
struct DeviceWeights {
  /// Uploads everything; a tied output matrix is stored once. Q, K and V (gate and up) become F32 where they
  /// are not stored alike.
  DeviceWeights(vulkan::Device& device, const model::Model& model, const StepShape& shape,
                DeviceStorage storage, const UploadWatch& watch = {});

  DeviceMatrix tokenEmbedding;
  GainVector outputNorm;
  DeviceMatrix output;   ///< empty when tied; use outputMatrix()
  RowTerms outputTerms;  ///< of outputMatrix()
  std::vector<DeviceLayer> layers;
  vulkan::Buffer ropeTable;
  vulkan::TexelView ropeView;  ///< [position][ropeDim / 2] cos, sin, times the magnitude
  vulkan::Buffer positions;
  vulkan::TexelView positionView;  ///< [position][streamColumns / 4] learned positions
  vulkan::Buffer geluTable;
  vulkan::TexelView geluView;  ///< [65536] halves, of Activation::GeluTable

  const DeviceMatrix& outputMatrix() const { return tied ? tokenEmbedding : output; }
  bool tied = false;

 private:
  void uploadHeadGains(vulkan::Device& device, const model::ModelConfig& config,
                       const model::LayerWeights& layer, const std::string& what, DeviceLayer& target);
  void uploadTables(vulkan::Device& device, const model::Model& model, const StepShape& shape);
};

}  // namespace headroom::engine
