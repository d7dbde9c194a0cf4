#pragma once

#include <cstdint>
#include <vector>

#include "core/model/config.h"
#include "core/vulkan/buffer.h"
#include "core/vulkan/recorder.h"

namespace headroom::engine {

/// Keys and values of all layers in one buffer: per layer K then V, each
/// [sequence][kv_head][position][head_dim] of f32 or f16.
class KvCache {
 public:
  /// Bytes of a section: the keys, or the values, of one layer.
  static std::uint64_t sectionBytes(const model::ModelConfig& config, model::KvType type, int contextLength,
                                    int sequences);
  /// Four elements, as texel buffers address them, of a section.
  static std::uint64_t sectionTexels(const model::ModelConfig& config, model::KvType type, int contextLength,
                                     int sequences);
  /// Bytes that a cache takes on a device, each section aligned; before the device rounds up the whole.
  static std::uint64_t bytesOf(const vulkan::DeviceInfo& device, const model::ModelConfig& config,
                               model::KvType type, int contextLength, int sequences);
  /// Throws vulkan::Error when the device has no room for it.
  KvCache(vulkan::Device& device, const model::ModelConfig& config, model::KvType type, int contextLength,
          int sequences);

  /// There are none where a layer has more texels than the device addresses.
  const vulkan::TexelView& keyView(int layer) const { return m_views[static_cast<std::size_t>(2 * layer)]; }
  const vulkan::TexelView& valueView(int layer) const {
    return m_views[static_cast<std::size_t>(2 * layer + 1)];
  }
  vulkan::Binding keyStorage(int layer) const { return section(2 * layer); }
  vulkan::Binding valueStorage(int layer) const { return section(2 * layer + 1); }

  /// The buffer and where in it the keys (values) of a layer begin, in bytes.
  const vulkan::Buffer& buffer() const { return m_buffer; }
  std::uint64_t keyOffset(int layer) const { return static_cast<std::uint64_t>(2 * layer) * m_sectionStride; }
  std::uint64_t valueOffset(int layer) const {
    return static_cast<std::uint64_t>(2 * layer + 1) * m_sectionStride;
  }

  /// Fills all of it with normally distributed numbers: for measuring at a length without decoding up to it.
  void fill(vulkan::Device& device, unsigned seed);

  /// What the device really took: the formula, with each section rounded up to the device's alignment.
  std::uint64_t allocatedBytes() const { return m_buffer.allocatedBytes(); }

 private:
  vulkan::Binding section(int index) const;

  model::KvType m_type;
  std::uint64_t m_sectionBytes;
  std::uint64_t m_sectionStride;  ///< m_sectionBytes up to the device's offset alignment
  vulkan::Buffer m_buffer;
  std::vector<vulkan::TexelView> m_views;
};

}  // namespace headroom::engine
