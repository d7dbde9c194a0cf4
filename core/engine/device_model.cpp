#include "core/engine/device_model.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/engine/memory_plan.h"
#include "core/engine/translate_errors.h"

namespace headroom::engine {

namespace {

UploadWatch watchOf(const model::Model& model, const UploadOptions& options) {
  UploadWatch watch{.memory = model.memory.get()};
  if (options.progress) {
    const std::uint64_t total = model.weights.storedBytes();
    watch.uploaded = [&options, total, done = std::uint64_t{0}](std::uint64_t bytes) mutable {
      done = std::min(total, done + bytes);
      options.progress(static_cast<double>(done) / static_cast<double>(total));
    };
  }
  return watch;
}

}  // namespace

DeviceModel::DeviceModel(vulkan::Device& device, const model::Model& model, const model::KernelPlan& plan,
                         const UploadOptions& options)
    : DeviceModel(device, WeightLayout::on(device.info(), model, plan, options.storage), options) {}

DeviceModel::DeviceModel(vulkan::Device& device, const WeightLayout& layout, const UploadOptions& options)
    : m_device(device), m_config(layout.model.config), m_plan(layout.plan), m_need(layout.need()) {
  translateErrors([&] {
    planMemory(device.info(), device.memory(), {.need = m_need}, nullptr).require();
    m_weights = std::make_unique<DeviceWeights>(device, layout, watchOf(layout.model, options));
    device.finishUploads();  // a model that did not arrive must not decode
  });
}

model::KernelPlan DeviceModel::planFor(const model::KernelPlan& wanted) const {
  model::KernelPlan plan = wanted;
  if (plan.family == model::KernelFamily::Automatic) plan.family = m_plan.family;
  if (plan.rowBlocks == 0) plan.rowBlocks = m_plan.rowBlocks;
  const bool rowBlocksMatter = m_plan.family == model::KernelFamily::Packed;
  if (plan.family != m_plan.family || (rowBlocksMatter && plan.rowBlocks != m_plan.rowBlocks)) {
    throw vulkan::Error(fmt::format(
        "The weights on {} lie in the layout of the kernels \"{}\", a decoder asked for \"{}\"; upload the "
        "model once more for those.",
        m_device.info().name, planText(m_plan), planText(plan)));
  }
  if (plan.invocations == 0) plan.invocations = m_plan.invocations;
  if (plan.attentionWorkgroups == 0) plan.attentionWorkgroups = m_plan.attentionWorkgroups;
  if (plan.merging == model::AttentionMerging::Automatic) plan.merging = m_plan.merging;
  if (plan.matrices == model::MatrixUse::Automatic) plan.matrices = m_plan.matrices;
  return plan;
}

}  // namespace headroom::engine
