#include "core/engine/memory_plan.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/engine/kv_cache.h"
#include "core/engine/step_buffers.h"
#include "core/engine/translate_errors.h"
#include "core/model/quantity.h"

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

model::MemoryNeed needOf(const vulkan::DeviceInfo& device, const StepShape& shape) {
  model::MemoryNeed need{.cache = KvCache::bytesOf(device, shape.config, shape.options.kvType,
                                                   shape.options.contextLength, shape.options.batch)};
  for (const StepBuffers::Planned& buffer : StepBuffers::plan(shape)) need.working += buffer.bytes;
  return need;
}

/// The longest context below that of `shape` whose decoder fits into `room`; 0 when none does.
int contextThatFits(const vulkan::DeviceInfo& device, const StepShape& shape, std::uint64_t room) {
  int fits = 0;
  int tooLong = shape.options.contextLength;
  while (tooLong - fits > 1) {
    model::DecoderOptions options = shape.options;
    options.contextLength = fits + (tooLong - fits) / 2;
    const StepShape shorter = StepShape::make(device, shape.config, options);
    (needOf(device, shorter).total() <= room ? fits : tooLong) = options.contextLength;
  }
  return fits;
}

StepShape shapeOf(const vulkan::DeviceInfo& device, const model::ModelConfig& config,
                  model::DecoderOptions options, const model::KernelPlan& kernels) {
  options.kernels = kernels;
  return StepShape::make(device, config, options);
}

}  // namespace

void MemoryPlan::require() const {
  if (!refusal.empty()) throw vulkan::Error(refusal, result);
}

MemoryPlan planMemory(const vulkan::DeviceInfo& device, const vulkan::DeviceMemory& memory,
                      const PlannedWeights& weights, const StepShape* decoder) {
  MemoryPlan plan{.weights = weights.need};
  if (decoder != nullptr) plan.decoder = needOf(device, *decoder);
  const model::MemoryNeed missing = weights.areThere ? plan.decoder : plan.need();
  if (missing.total() <= memory.free) return plan;
  const int fits = decoder != nullptr && missing.weights < memory.free
                       ? contextThatFits(device, *decoder, memory.free - missing.weights)
                       : 0;
  plan.refusal =
      fmt::format("{} {} on {} ({}), where {} of {} are free; {} fit.",
                  weights.areThere ? "A decoder of this model needs" : "This model needs",
                  model::bytesText(missing.total()), device.name,
                  partsText(missing, decoder != nullptr ? decoder->options.contextLength : 0),
                  model::bytesText(memory.free), model::bytesText(memory.total),
                  fits > 0 ? fmt::format("a context of {} positions would", model::groupDigits(fits))
                           : "a smaller model, or one of smaller storage, would");
  plan.result = missing.total() <= memory.total ? VK_ERROR_OUT_OF_DEVICE_MEMORY : VK_ERROR_UNKNOWN;
  return plan;
}

MemoryPlan planMemory(const vulkan::Device& device, const WeightLayout& weights,
                      const model::DecoderOptions& options) {
  return translateErrors([&] {
    const StepShape shape = shapeOf(device.info(), weights.model.config, options, weights.plan);
    return planMemory(device.info(), device.memory(), {.need = weights.need()}, &shape);
  });
}

MemoryPlan planMemory(const DeviceModel& weights, const model::DecoderOptions& options) {
  return translateErrors([&] {
    const vulkan::Device& device = weights.device();
    const StepShape shape =
        shapeOf(device.info(), weights.config(), options, weights.planFor(options.kernels));
    return planMemory(device.info(), device.memory(), {.need = weights.need(), .areThere = true}, &shape);
  });
}

}  // namespace headroom::engine
