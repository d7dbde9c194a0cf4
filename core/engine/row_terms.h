#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/engine/device_matrix.h"
#include "core/model/tensor.h"
#include "core/vulkan/buffer.h"

namespace headroom::engine {

/// What a projection adds to a row of its product besides W x: `meanFactor` times the mean of a LayerNorm's
/// input is taken away before scaling, `constant` is added behind it.
struct RowTerm {
  float meanFactor = 0.0f;
  float constant = 0.0f;
};

/// Gain and bias of a norm on the host, as far as the norm is a LayerNorm; empty for an RMSNorm.
struct LayerNormVectors {
  std::vector<float> gain;
  std::vector<float> bias;

  LayerNormVectors() = default;
  LayerNormVectors(const model::Tensor& gains, const model::Tensor& biases);
  bool empty() const { return gain.empty(); }
};

/// One term for each row of a matrix on the device.
class RowTerms {
 public:
  RowTerms() = default;
  /// `rowAt` names the source of each of `rows` rows and `biasAt` its bias; of a row without source both are
  /// 0. A LayerNorm before the projection adds W gain and W bias, summed in double.
  RowTerms(vulkan::Device& device, std::int64_t rows, const LayerNormVectors& norm, const std::string& what,
           const std::function<RowReference(std::int64_t)>& rowAt,
           const std::function<float(std::int64_t)>& biasAt);

  bool present() const { return m_rows > 0; }
  /// What the kernels bind: [row] mean factor, constant.
  const vulkan::TexelView& view() const { return m_view; }
  /// Bytes of the terms of `rows` rows.
  static std::uint64_t bytesOf(std::uint64_t rows) { return rows * sizeof(RowTerm); }

 private:
  std::int64_t m_rows = 0;
  vulkan::Buffer m_buffer;
  vulkan::TexelView m_view;
};

}  // namespace headroom::engine
