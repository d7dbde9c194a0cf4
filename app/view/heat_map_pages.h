#pragma once

#include <vulkan/vulkan.h>

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "app/panels/panel.h"
#include "app/view/gpu_buffer.h"

namespace headroom::view {

/// Where the cells of one map lie.
struct MapSlot {
  std::uint32_t page = 0;
  std::uint32_t firstCell = 0;
  std::uint32_t columns = 0;
  std::uint32_t rows = 0;
  std::uint32_t rowsHeld = 0;
  std::uint64_t generation = 0;
};

/// The cells of all maps, half floats in texel buffers of a few MB. Rows are written where the GPU reads
/// them: a frame in flight may see a cell that is one step newer, never a wrong one.
class HeatMapPages {
 public:
  HeatMapPages(const GpuContext& gpu, std::uint32_t maximumTexels);

  const MapSlot* find(panels::MapKey key) const;
  void update(const panels::MapCells& cells);

  std::uint32_t pageCount() const { return static_cast<std::uint32_t>(m_pages.size()); }
  VkBufferView view(std::uint32_t page) const { return m_pages[page].view(); }

 private:
  struct Free {
    std::uint32_t page = 0;
    std::uint32_t firstCell = 0;
  };

  Free allocate(std::uint32_t cellCount);

  GpuContext m_gpu;
  std::uint32_t m_cellsPerPage;
  std::vector<TexelBuffer> m_pages;
  std::uint32_t m_usedInLastPage = 0;
  std::unordered_map<panels::MapKey, MapSlot> m_slots;
  std::map<std::uint32_t, std::vector<Free>> m_free;  // by cell count
};

}  // namespace headroom::view
