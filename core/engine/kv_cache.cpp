#include "core/engine/kv_cache.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "core/engine/device_matrix.h"
#include "core/model/tensor.h"

namespace headroom::engine {

namespace {
/// Random numbers drawn once and repeated.
constexpr std::uint64_t kFillBytes = 1ull << 20;

std::uint64_t sectionCount(const model::ModelConfig& config) {
  return 2ull * static_cast<std::uint64_t>(config.layerCount);
}
}  // namespace

std::uint64_t KvCache::sectionBytes(const model::ModelConfig& config, model::KvType type, int contextLength,
                                    int sequences) {
  return model::kvCacheBytes(config, type, static_cast<std::uint64_t>(contextLength),
                             static_cast<std::uint64_t>(sequences)) /
         sectionCount(config);
}

std::uint64_t KvCache::sectionTexels(const model::ModelConfig& config, model::KvType type, int contextLength,
                                     int sequences) {
  return sectionBytes(config, type, contextLength, sequences) /
         (4ull * static_cast<std::uint64_t>(model::bytesPerElement(type)));
}

std::uint64_t KvCache::bytesOf(const vulkan::DeviceInfo& device, const model::ModelConfig& config,
                               model::KvType type, int contextLength, int sequences) {
  const std::uint64_t alignment =
      std::max(device.limits.minStorageBufferOffsetAlignment, device.limits.minTexelBufferOffsetAlignment);
  return roundUp(sectionBytes(config, type, contextLength, sequences), alignment) * sectionCount(config);
}

KvCache::KvCache(vulkan::Device& device, const model::ModelConfig& config, model::KvType type,
                 int contextLength, int sequences)
    : m_type(type),
      m_sectionBytes(sectionBytes(config, type, contextLength, sequences)),
      m_sectionStride(bytesOf(device.info(), config, type, contextLength, sequences) / sectionCount(config)),
      m_buffer(device, m_sectionStride * sectionCount(config), vulkan::MemoryPlace::Device,
               fmt::format("a KV cache of {} positions", contextLength)) {
  // Kernels of the rows family load from storage buffers, which may be larger.
  const std::uint64_t texels = sectionTexels(config, type, contextLength, sequences);
  if (texels > device.info().limits.maxTexelBufferElements) return;
  const VkFormat format =
      type == model::KvType::F32 ? VK_FORMAT_R32G32B32A32_SFLOAT : VK_FORMAT_R16G16B16A16_SFLOAT;
  for (std::uint64_t index = 0; index < sectionCount(config); ++index) {
    m_views.emplace_back(device, m_buffer, format, index * m_sectionStride, m_sectionBytes);
  }
}

void KvCache::fill(vulkan::Device& device, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::byte> bytes;
  bytes.reserve(kFillBytes);
  while (bytes.size() < kFillBytes) {
    const float value = normal(random);
    const std::uint16_t half = model::floatToHalf(value);
    const auto* source = m_type == model::KvType::F32 ? reinterpret_cast<const std::byte*>(&value)
                                                      : reinterpret_cast<const std::byte*>(&half);
    bytes.insert(bytes.end(), source, source + model::bytesPerElement(m_type));
  }
  for (std::uint64_t offset = 0; offset < m_buffer.bytes(); offset += kFillBytes) {
    const std::uint64_t count = std::min<std::uint64_t>(kFillBytes, m_buffer.bytes() - offset);
    vulkan::upload(device, m_buffer, offset, std::span(bytes).first(count));
  }
}

vulkan::Binding KvCache::section(int index) const {
  return vulkan::Binding::part(m_buffer, static_cast<std::uint64_t>(index) * m_sectionStride, m_sectionBytes);
}

}  // namespace headroom::engine
