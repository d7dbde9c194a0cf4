#include "core/engine/step_shape.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "core/vulkan/check.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {
constexpr int kMinChunkKeysOnCpu = 64;
constexpr int kMinChunkKeysOnGpu = 256;
/// Workgroups that fill a GPU of unknown size; KERNELS.md's rule of two per core for a CPU.
constexpr int kGpuWorkgroups = 256;
constexpr int kMaxChunks = 64;
constexpr std::uint64_t kMaxCaptureBytes = 64ull << 20;

void refuse(const vulkan::DeviceInfo& device, const std::string& why) {
  throw vulkan::Error(fmt::format("This model cannot run on {}: {}.", device.name, why));
}
}  // namespace

std::uint64_t StepShape::captureBytesPerLayer() const {
  return static_cast<std::uint64_t>(config.attention.queryHeadCount) *
         static_cast<std::uint64_t>(blockTokens) * static_cast<std::uint64_t>(options.contextLength) *
         sizeof(float);
}

StepShape StepShape::plan(const vulkan::DeviceInfo& device, const model::ModelConfig& config,
                          const model::DecoderOptions& options) {
  StepShape shape{.config = config, .options = options};
  if (shape.options.contextLength <= 0) shape.options.contextLength = config.contextLength;
  const int context = shape.options.contextLength;
  const model::AttentionShape& attention = config.attention;
  if (attention.headDim % 4 != 0 || attention.headDim > 256) {
    refuse(device,
           fmt::format("its head_dim is {}, the kernels take multiples of 4 up to 256", attention.headDim));
  }
  if (config.layerCount > HEADROOM_MAX_LAYERS) {
    refuse(device,
           fmt::format("it has {} layers, the kernels take {}", config.layerCount, HEADROOM_MAX_LAYERS));
  }
  if (attention.queryHeadCount > HEADROOM_MAX_QUERY_HEADS) {
    refuse(device, fmt::format("it has {} query heads, the kernels take {}", attention.queryHeadCount,
                               HEADROOM_MAX_QUERY_HEADS));
  }
  if (options.batch < 1 || options.batch > HEADROOM_MAX_TOKENS) {
    refuse(device, fmt::format("a batch of {} sequences was asked for, 1 to {} are possible", options.batch,
                               HEADROOM_MAX_TOKENS));
  }
  if (options.kvType == model::KvType::F16 && !device.storage16Bit) {
    refuse(device, "it has no 16-bit storage for an f16 cache; choose an f32 cache");
  }
  const std::uint64_t layerBytes =
      model::kvCacheBytes(config, options.kvType, static_cast<std::uint64_t>(context),
                          static_cast<std::uint64_t>(options.batch)) /
      (2ull * static_cast<std::uint64_t>(config.layerCount));
  if (layerBytes > device.limits.maxStorageBufferRange) {
    refuse(device,
           fmt::format("the keys of one layer at {} positions are {} bytes, the device binds at most {}",
                       context, layerBytes, device.limits.maxStorageBufferRange));
  }

  const std::uint64_t captureRowBytes = static_cast<std::uint64_t>(config.layerCount) *
                                        static_cast<std::uint64_t>(attention.queryHeadCount) *
                                        static_cast<std::uint64_t>(context) * sizeof(float);
  const int affordable =
      static_cast<int>(std::min<std::uint64_t>(HEADROOM_MAX_TOKENS, kMaxCaptureBytes / captureRowBytes));
  shape.blockTokens = std::max({1, affordable, options.batch});
  if (shape.captureBytesPerLayer() > device.limits.maxStorageBufferRange) {
    refuse(
        device,
        fmt::format("attention rows of one layer at {} positions are {} bytes, the device binds at most {}",
                    context, shape.captureBytesPerLayer(), device.limits.maxStorageBufferRange));
  }

  const bool onCpu = device.type == VK_PHYSICAL_DEVICE_TYPE_CPU;
  shape.minChunkKeys = onCpu ? kMinChunkKeysOnCpu : kMinChunkKeysOnGpu;
  const int wanted =
      onCpu ? 2 * static_cast<int>(std::max(1u, std::thread::hardware_concurrency())) : kGpuWorkgroups;
  const int groups = shape.attentionWorkgroups() * options.batch;
  const int mostUseful = (context + shape.minChunkKeys - 1) / shape.minChunkKeys;
  shape.chunkCount = std::clamp((wanted + groups - 1) / groups, 1, std::min(kMaxChunks, mostUseful));
  return shape;
}

}  // namespace headroom::engine
