#pragma once

#include <optional>

#include "core/engine/kernel_code.h"
#include "core/engine/step_shape.h"
#include "core/vulkan/kernel.h"

namespace headroom::engine {

struct DeviceWeights;

/// The kernels of one model for one token tile. Layers whose matrices are stored otherwise have their own.
class StepKernels {
 public:
  StepKernels(vulkan::Device& device, const StepShape& shape, const DeviceWeights& weights, TokenTile tile,
              KernelBuild build);

  TokenTile tile() const { return m_tile; }
  const vulkan::Kernel& embedding() const { return *m_embedding; }
  const vulkan::Kernel& attentionDecode() const { return *m_attentionDecode; }
  /// Of the rows family, which merges chunks in a dispatch of its own.
  const std::optional<vulkan::Kernel>& attentionMerge() const { return m_attentionMerge; }
  const vulkan::Kernel& logits() const { return *m_logits; }
  /// Of models whose heads, or whose branches, have norms of their own.
  const std::optional<vulkan::Kernel>& headNorm() const { return m_headNorm; }
  const std::optional<vulkan::Kernel>& addBranch() const { return m_addBranch; }
  /// For a matrix in the storage of `matrix`.
  const vulkan::Kernel& qkvProjection(const DeviceMatrix& matrix) const { return m_qkvProjection.of(matrix); }
  const vulkan::Kernel& attentionOutput(const DeviceMatrix& matrix) const {
    return m_attentionOutput.of(matrix);
  }
  const vulkan::Kernel& ffnGateUp(const DeviceMatrix& matrix) const { return m_ffnGateUp.of(matrix); }
  const vulkan::Kernel& ffnDown(const DeviceMatrix& matrix) const { return m_ffnDown.of(matrix); }

 private:
  /// One stage's kernel for each storage that occurs.
  struct ByStorage {
    std::optional<vulkan::Kernel> kernels[3];
    const vulkan::Kernel& of(const DeviceMatrix& matrix) const { return *kernels[matrix.formatConstant()]; }
  };

  TokenTile m_tile;
  std::optional<vulkan::Kernel> m_embedding;
  ByStorage m_qkvProjection;
  std::optional<vulkan::Kernel> m_attentionDecode;
  std::optional<vulkan::Kernel> m_attentionMerge;
  ByStorage m_attentionOutput;
  ByStorage m_ffnGateUp;
  ByStorage m_ffnDown;
  std::optional<vulkan::Kernel> m_headNorm;
  std::optional<vulkan::Kernel> m_addBranch;
  std::optional<vulkan::Kernel> m_logits;
};

}  // namespace headroom::engine
