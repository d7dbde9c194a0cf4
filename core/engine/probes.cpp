#include "core/engine/probes.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "core/engine/memory_probe.h"
#include "core/engine/probe_timing.h"
#include "core/model/clock.h"
#include "core/vulkan/buffer.h"
#include "core/vulkan/kernel.h"
#include "core/vulkan/recorder.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

constexpr std::uint32_t kFmaCode[] = {
#include "probe_fma.spv.inc"
};
constexpr std::uint32_t kEmptyCode[] = {
#include "probe_empty.spv.inc"
};
constexpr std::uint32_t kInvocations = HEADROOM_FMA_INVOCATIONS;
constexpr std::uint32_t kFmaPerIteration = 16 * 4;

double dispatchSeconds(vulkan::Device& device, std::span<const std::uint32_t> code,
                       std::span<const std::uint32_t> constants, std::uint32_t workgroups, int dispatches) {
  const vulkan::Buffer result(device, workgroups * kInvocations * sizeof(float), vulkan::MemoryPlace::Device,
                              "a probe's result");
  const vulkan::Kernel kernel(device, "probe", code, {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER}, constants);
  vulkan::Recorder recorder(device, dispatches);
  for (int i = 0; i < dispatches; ++i)
    recorder.dispatch(kernel, {vulkan::Binding::whole(result)}, {workgroups, 1, 1});
  recorder.finish();
  return medianSeconds([&] { recorder.run(); });
}

double fmaGflops(vulkan::Device& device) {
  const std::uint32_t workgroups = device.info().isSoftware() ? 64 : 16384;
  const std::array<std::uint32_t, 1> iterations{device.info().isSoftware() ? 4096u : 2048u};
  const double seconds = dispatchSeconds(device, kFmaCode, iterations, workgroups, 1);
  return 2.0 * kFmaPerIteration * iterations[0] * kInvocations * static_cast<double>(workgroups) / seconds *
         1e-9;
}

/// The difference of a long and a short row of dispatches: submitting and waiting drop out.
double emptyDispatchUs(vulkan::Device& device) {
  constexpr int kShort = 64;
  constexpr int kLong = 320;
  const double shortSeconds = dispatchSeconds(device, kEmptyCode, {}, 1, kShort);
  const double longSeconds = dispatchSeconds(device, kEmptyCode, {}, 1, kLong);
  return std::max(0.0, (longSeconds - shortSeconds) / (kLong - kShort) * 1e6);
}

}  // namespace

model::DeviceCeilings probeDevice(vulkan::Device& device) {
  MemoryCurves memory = probeMemory(device);
  return {.device = device.info().name,
          .driver = device.info().driver,
          .date = model::dateText(),
          .copy = std::move(memory.copy),
          .read = std::move(memory.read),
          .coldRead = std::move(memory.coldRead),
          .fmaGflops = fmaGflops(device),
          .emptyDispatchUs = emptyDispatchUs(device)};
}

}  // namespace headroom::engine
