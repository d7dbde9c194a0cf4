#pragma once

#include <functional>
#include <memory>

#include "core/engine/device_weights.h"
#include "core/engine/weight_layout.h"
#include "core/model/kernel_plan.h"
#include "core/model/memory_need.h"
#include "core/model/model.h"
#include "core/vulkan/device.h"

namespace headroom::engine {

/// How a model is uploaded.
struct UploadOptions {
  DeviceStorage storage = DeviceStorage::AsStored;
  /// Told the share of the weights that is uploaded, 0 to 1; may throw model::Cancelled to end it.
  std::function<void(double)> progress = {};
};

/// The weights of one model on one device, uploaded once: any number of VulkanDecoders work with them, of any
/// context, cache type, batch and attention kernel.
class DeviceModel {
 public:
  /// Uploads `model`, which is not needed afterwards; `device` must outlive this. `plan` fixes the layout of
  /// the matrices (family and row blocks), and is what decoders take that ask for no plan of their own.
  /// Throws model::Error when the device has no kernels for the model or no room for its weights.
  DeviceModel(vulkan::Device& device, const model::Model& model, const model::KernelPlan& plan = {},
              const UploadOptions& options = {});
  /// Uploads what `layout` says; of `options` only progress counts.
  DeviceModel(vulkan::Device& device, const WeightLayout& layout, const UploadOptions& options = {});
  DeviceModel(const DeviceModel&) = delete;
  DeviceModel& operator=(const DeviceModel&) = delete;

  vulkan::Device& device() const { return m_device; }
  const model::ModelConfig& config() const { return m_config; }
  const DeviceWeights& weights() const { return *m_weights; }
  /// Nothing in it is left open.
  const model::KernelPlan& plan() const { return m_plan; }
  /// Memory that it takes: weights alone.
  const model::MemoryNeed& need() const { return m_need; }

  /// `wanted` with what it leaves open taken from plan(). Throws vulkan::Error when it asks for another
  /// family or other row blocks than the matrices lie in.
  model::KernelPlan planFor(const model::KernelPlan& wanted) const;

 private:
  vulkan::Device& m_device;
  model::ModelConfig m_config;
  model::KernelPlan m_plan;
  model::MemoryNeed m_need;
  std::unique_ptr<const DeviceWeights> m_weights;
};

}  // namespace headroom::engine
