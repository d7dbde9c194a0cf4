#pragma once

#include <optional>

#include "core/engine/kernel_code.h"
#include "core/engine/step_shape.h"
#include "core/model/stage.h"
#include "core/vulkan/kernel.h"

namespace headroom::engine {

struct DeviceWeights;

/// The kernels of one model for one token tile, in the device's store. Layers whose matrices are stored
/// otherwise have their own.
class StepKernels {
 public:
  /// Those of every stage, or of `only` one. `device` and `shape` outlive them.
  StepKernels(vulkan::Device& device, const StepShape& shape, const DeviceWeights& weights, TokenTile tile,
              KernelBuild build, std::optional<model::Stage> only = std::nullopt);

  TokenTile tile() const { return m_tile; }
  const vulkan::Kernel& embedding() const { return *m_embedding; }
  const vulkan::Kernel& attentionDecode() const { return *m_attentionDecode; }
  /// Of the rows family, which merges chunks in a dispatch of its own; null for the other.
  const vulkan::Kernel* attentionMerge() const { return m_attentionMerge; }
  const vulkan::Kernel& logits() const { return *m_logits; }
  // Made with the first step that asks for them.
  const vulkan::Kernel& logitSummary() const;
  const vulkan::Kernel& captureRows() const;
  const vulkan::Kernel& captureCache() const;
  const vulkan::Kernel& captureHeads() const;
  const vulkan::Kernel& intervene() const;
  /// Of models whose heads, or whose branches, have norms of their own; null for others.
  const vulkan::Kernel* headNorm() const { return m_headNorm; }
  const vulkan::Kernel* addBranch() const { return m_addBranch; }
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
    const vulkan::Kernel* kernels[3] = {};
    const vulkan::Kernel& of(const DeviceMatrix& matrix) const { return *kernels[matrix.formatConstant()]; }
  };

  vulkan::Device& m_device;
  const StepShape& m_shape;
  KernelBuild m_build;
  TokenTile m_tile;
  const vulkan::Kernel* m_embedding = nullptr;
  ByStorage m_qkvProjection;
  const vulkan::Kernel* m_attentionDecode = nullptr;
  const vulkan::Kernel* m_attentionMerge = nullptr;
  ByStorage m_attentionOutput;
  ByStorage m_ffnGateUp;
  ByStorage m_ffnDown;
  const vulkan::Kernel* m_headNorm = nullptr;
  const vulkan::Kernel* m_addBranch = nullptr;
  const vulkan::Kernel* m_logits = nullptr;
};

}  // namespace headroom::engine
