#include "core/engine/memory_plan.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/engine/kv_cache.h"
#include "core/engine/step_buffers.h"
#include "core/engine/translate_errors.h"
#include "core/model/quantity.h"
#include "core/vulkan/check.h"

namespace headroom::engine {

namespace {

/// "1.20 GB of weights as F16, 64.0 MB of cache for 4,096 positions, ..."; parts of 0 are left out.
std::string partsText(const model::MemoryNeed& need, int contextLength) {
  std::string parts;
  const auto add = [&](std::uint64_t bytes, const std::string& what) {
    if (bytes > 0) parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", model::bytesText(bytes), what);
  };
  add(need.weights, "of weights as " + need.storage);
  add(need.cache, fmt::format("of cache for {} positions", model::groupDigits(contextLength)));
  add(need.working, "of working memory");
  return parts;
}

[[noreturn]] void refuse(const vulkan::DeviceInfo& device, const vulkan::DeviceMemory& memory,
                         const model::MemoryNeed& need, int contextLength, const std::string& advice) {
  throw vulkan::Error(fmt::format("{} {} on {} ({}), where {} of {} are free; {} fit.",
                                  need.weights > 0 ? "This model needs" : "A decoder of this model needs",
                                  model::bytesText(need.total()), device.name, partsText(need, contextLength),
                                  model::bytesText(memory.free), model::bytesText(memory.total), advice),
                      need.total() <= memory.total ? VK_ERROR_OUT_OF_DEVICE_MEMORY : VK_ERROR_UNKNOWN);
}

/// The longest context below that of `shape` whose decoder fits into `room`; 0 when none does.
int contextThatFits(const vulkan::DeviceInfo& device, const StepShape& shape, std::uint64_t room) {
  int fits = 0;
  int tooLong = shape.options.contextLength;
  while (tooLong - fits > 1) {
    model::DecoderOptions options = shape.options;
    options.contextLength = fits + (tooLong - fits) / 2;
    const StepShape shorter = StepShape::make(device, shape.config, options);
    (memoryNeed(device, shorter).total() <= room ? fits : tooLong) = options.contextLength;
  }
  return fits;
}

}  // namespace

model::MemoryNeed memoryNeed(const WeightLayout& layout) {
  return {.weights = layout.bytes(), .storage = layout.storageText()};
}

model::MemoryNeed memoryNeed(const vulkan::DeviceInfo& device, const StepShape& shape) {
  model::MemoryNeed need{.cache = KvCache::bytesOf(device, shape.config, shape.options.kvType,
                                                   shape.options.contextLength, shape.options.batch)};
  for (const StepBuffers::Planned& buffer : StepBuffers::plan(shape)) need.working += buffer.bytes;
  return need;
}

model::MemoryNeed memoryNeed(const vulkan::DeviceInfo& device, const model::Model& model,
                             const model::DecoderOptions& options, DeviceStorage storage) {
  return translateErrors([&] {
    const StepShape shape = StepShape::make(device, model.config, options);
    return memoryNeed(WeightLayout(model, shape.plan, storage)) + memoryNeed(device, shape);
  });
}

void refuseIfTooLarge(const vulkan::DeviceInfo& device, const vulkan::DeviceMemory& memory,
                      const model::MemoryNeed& need) {
  if (need.total() <= memory.free) return;
  refuse(device, memory, need, 0, "a smaller model, or one of smaller storage, would");
}

void refuseIfTooLarge(const vulkan::DeviceInfo& device, const vulkan::DeviceMemory& memory,
                      const StepShape& shape, const model::MemoryNeed& need) {
  if (need.total() <= memory.free) return;
  const int fits =
      need.weights < memory.free ? contextThatFits(device, shape, memory.free - need.weights) : 0;
  refuse(device, memory, need, shape.options.contextLength,
         fits > 0 ? fmt::format("a context of {} positions would", model::groupDigits(fits))
                  : "a smaller model, or one of smaller storage, would");
}

void requireRoom(const vulkan::Device& device, const model::Model& model,
                 const model::DecoderOptions& options, DeviceStorage storage) {
  translateErrors([&] {
    const vulkan::DeviceInfo& info = device.info();
    const StepShape shape = StepShape::make(info, model.config, options);
    refuseIfTooLarge(info, device.memory(), shape,
                     memoryNeed(WeightLayout(model, shape.plan, storage)) + memoryNeed(info, shape));
  });
}

}  // namespace headroom::engine
