#pragma once

#include <array>
#include <map>
#include <optional>

#include "core/engine/kernel_code.h"
#include "core/engine/step_shape.h"
#include "core/model/stage.h"
#include "kernel_interfaces.h"

namespace headroom::engine {

struct DeviceProjection;
struct DeviceWeights;

/// The kernels of one model for one token tile, in the device's store. Layers whose matrices are stored
/// otherwise have their own.
class StepKernels {
 public:
  /// Those of every stage, or of `only` one. `device` and `shape` outlive them.
  StepKernels(vulkan::Device& device, const StepShape& shape, const DeviceWeights& weights, TokenTile tile,
              KernelBuild build, std::optional<model::Stage> only = std::nullopt);

  TokenTile tile() const { return m_tile; }
  KernelOf<Embedding> embedding() const { return m_embedding; }
  // One of the three, as StepShape says.
  KernelOf<AttentionDecode> attentionDecode() const { return m_attentionDecode; }
  KernelOf<OctetAttentionDecode> octetAttentionDecode() const { return m_octetAttentionDecode; }
  KernelOf<MatrixAttentionDecode> matrixAttentionDecode() const { return m_matrixAttentionDecode; }
  /// Of the rows family, where a dispatch of its own merges chunks; none for the other.
  KernelOf<AttentionMerge> attentionMerge() const { return m_attentionMerge; }
  KernelOf<Logits> logits() const { return m_logits; }
  // Made with the first step that asks for them.
  KernelOf<LogitSummary> logitSummary() const;
  KernelOf<AdvanceTokens> advanceTokens() const;
  KernelOf<CaptureRows> captureRows() const;
  KernelOf<CaptureCache> captureCache() const;
  KernelOf<CaptureHeads> captureHeads() const;
  KernelOf<Intervene> intervene() const;
  /// Of models whose heads, or whose branches, have norms of their own; none for others.
  KernelOf<HeadNorm> headNorm() const { return m_headNorm; }
  KernelOf<AddBranch> addBranch() const { return m_addBranch; }
  // For a matrix in the storage of `matrix`.
  KernelOf<QkvProjection> qkvProjection(const DeviceProjection& part) const;
  /// Behind attentionMerge().
  KernelOf<AttentionOutput> attentionOutput(const DeviceMatrix& matrix) const {
    return m_attentionOutput.of(matrix);
  }
  /// Where there is none.
  KernelOf<MergingAttentionOutput> mergingAttentionOutput(const DeviceMatrix& matrix) const {
    return m_mergingAttentionOutput.of(matrix);
  }
  KernelOf<FfnGateUp> ffnGateUp(const DeviceMatrix& matrix) const { return m_ffnGateUp.of(matrix); }
  KernelOf<FfnDown> ffnDown(const DeviceMatrix& matrix) const { return m_ffnDown.of(matrix); }

 private:
  /// One stage's kernel for each storage that occurs.
  template <typename Interface>
  struct ByStorage {
    KernelOf<Interface> kernels[static_cast<int>(model::Storage::Q6_K) + 1];  ///< by formatConstant()
    KernelOf<Interface> of(const DeviceMatrix& matrix) const { return kernels[matrix.formatConstant()]; }
  };

  vulkan::Device& m_device;
  const StepShape& m_shape;
  KernelBuild m_build;
  TokenTile m_tile;
  KernelOf<Embedding> m_embedding;
  /// By storage, first row and rows of a part of Q, K and V.
  std::map<std::array<std::int64_t, 3>, KernelOf<QkvProjection>> m_qkvProjection;
  KernelOf<AttentionDecode> m_attentionDecode;
  KernelOf<OctetAttentionDecode> m_octetAttentionDecode;
  KernelOf<MatrixAttentionDecode> m_matrixAttentionDecode;
  KernelOf<AttentionMerge> m_attentionMerge;
  ByStorage<AttentionOutput> m_attentionOutput;
  ByStorage<MergingAttentionOutput> m_mergingAttentionOutput;
  ByStorage<FfnGateUp> m_ffnGateUp;
  ByStorage<FfnDown> m_ffnDown;
  KernelOf<HeadNorm> m_headNorm;
  KernelOf<AddBranch> m_addBranch;
  KernelOf<Logits> m_logits;
};

}  // namespace headroom::engine
