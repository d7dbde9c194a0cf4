#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "core/engine/device_matrix.h"
#include "core/model/kernel_plan.h"
#include "core/model/memory_need.h"
#include "core/model/model.h"

namespace headroom::engine {

/// How matrices are kept on the device.
enum class DeviceStorage {
  AsStored,  ///< stays what it is in the file where the family has kernels for it, see hasKernels()
  F32,       ///< everything is widened
};

/// A matrix as it will lie on a device.
struct MatrixLayout {
  DeviceMatrix::Form form;
  std::string what;                                      ///< for sentences: "Q, K and V of layer 3"
  model::Storage stored = model::Storage::F32;           ///< of its first source in the file
  std::function<RowReference(std::int64_t)> rowAt = {};  ///< where each row comes from

  std::uint64_t bytes() const { return DeviceMatrix::bytesOf(form); }
};

/// Gain and bias of the LayerNorm before a projection; null where there is none, or an RMSNorm.
struct NormSource {
  const model::Tensor* gain = nullptr;
  const model::Tensor* bias = nullptr;
};

/// A matrix with what its rows add (see RowTerms).
struct ProjectionLayout {
  MatrixLayout matrix;
  bool hasTerms = false;
  NormSource norm = {};
  std::vector<std::pair<const model::Tensor*, const model::Tensor*>> biases = {};  ///< source, its bias
  std::int64_t firstRow = 0;  ///< of a part of Q, K and V, among the rows of all

  std::uint64_t termBytes() const;
  std::uint64_t bytes() const { return matrix.bytes() + termBytes(); }
};

/// What one layer takes on a device; null is what the model does not have.
struct LayerLayout {
  const model::Tensor* attentionNorm = nullptr;
  std::vector<ProjectionLayout> qkv;         ///< rows of Q, K and V in that order, a part for each storage
  const model::Tensor* queryNorm = nullptr;  ///< of each head; keyNorm beside it
  const model::Tensor* keyNorm = nullptr;
  ProjectionLayout attentionOutput;
  const model::Tensor* attentionPostNorm = nullptr;
  const model::Tensor* ffnNorm = nullptr;
  ProjectionLayout gateUp;
  ProjectionLayout ffnDown;
  const model::Tensor* ffnPostNorm = nullptr;

  std::uint64_t bytes() const;
};

/// Every buffer that the weights of a model take on a device: what is planned, announced and uploaded. Points
/// into the model. Making one for the packed family reads all of a model of Q8_0, so whoever plans and
/// uploads does both with the same.
struct WeightLayout {
  /// `kernels` has nothing left open.
  WeightLayout(const model::Model& source, const model::KernelPlan& kernels,
               DeviceStorage storage = DeviceStorage::AsStored);
  /// Of what a device runs for `wanted`. Throws model::Error when it has no kernels for the model.
  static WeightLayout on(const vulkan::DeviceInfo& device, const model::Model& source,
                         const model::KernelPlan& wanted, DeviceStorage storage = DeviceStorage::AsStored);

  const model::Model& model;
  model::KernelPlan plan;  ///< of the kernels that read it
  bool tied = false;       ///< the output matrix is the token embedding, which is there once
  MatrixLayout tokenEmbedding;
  const model::Tensor* outputNorm = nullptr;
  ProjectionLayout output;
  std::vector<LayerLayout> layers;
  const model::Tensor* positionEmbedding = nullptr;  ///< learned positions, all of them
  bool hasGeluTable = false;

  /// Of all buffers, before the device rounds them up.
  std::uint64_t bytes() const;
  /// How most elements are kept: "F16", "Q4_K widened to F32".
  std::string storageText() const;
  /// Both.
  model::MemoryNeed need() const { return {.weights = bytes(), .storage = storageText()}; }
};

inline constexpr std::uint64_t kGeluTableBytes = (1u << 16) * sizeof(std::uint16_t);

/// Bytes of a vector of gains on a device, zeros behind its end; 0 for null.
std::uint64_t gainBytes(const model::Tensor* gains);
/// Bytes of the learned positions on a device, each row padded.
std::uint64_t positionBytes(const model::Tensor& positions);

}  // namespace headroom::engine
