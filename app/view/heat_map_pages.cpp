#include "app/view/heat_map_pages.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <stdexcept>

#include <QFloat16>

namespace headroom::view {

namespace {
constexpr std::uint32_t kCellsPerPage = 4u << 20;
}

HeatMapPages::HeatMapPages(const GpuContext& gpu, std::uint32_t maximumTexels)
    : m_gpu(gpu), m_cellsPerPage(std::min(kCellsPerPage, maximumTexels)) {}

const MapSlot* HeatMapPages::find(panels::MapKey key) const {
  const auto found = m_slots.find(key);
  return found == m_slots.end() ? nullptr : &found->second;
}

HeatMapPages::Free HeatMapPages::allocate(std::uint32_t cellCount) {
  std::vector<Free>& recycled = m_free[cellCount];
  if (!recycled.empty()) {
    const Free slot = recycled.back();
    recycled.pop_back();
    return slot;
  }
  if (cellCount > m_cellsPerPage)
    throw std::runtime_error("An attention map is too large for this graphics device.");
  if (m_pages.empty() || m_usedInLastPage + cellCount > m_cellsPerPage) {
    m_pages.emplace_back(m_gpu, VkDeviceSize{m_cellsPerPage} * sizeof(qfloat16), VK_FORMAT_R16_SFLOAT);
    m_usedInLastPage = 0;
  }
  const Free slot{.page = pageCount() - 1, .firstCell = m_usedInLastPage};
  m_usedInLastPage += cellCount;
  return slot;
}

void HeatMapPages::update(const panels::MapCells& cells) {
  const auto rows = static_cast<std::uint32_t>(cells.rows);
  const auto columns = static_cast<std::uint32_t>(cells.columns);
  auto found = m_slots.find(cells.key);
  if (found != m_slots.end() && (found->second.rows != rows || found->second.columns != columns)) {
    const MapSlot& old = found->second;
    m_free[old.rows * old.columns].push_back({old.page, old.firstCell});
    m_slots.erase(found);
    found = m_slots.end();
  }
  if (found == m_slots.end()) {
    const Free place = allocate(rows * columns);
    const MapSlot slot{.page = place.page, .firstCell = place.firstCell, .columns = columns, .rows = rows};
    found = m_slots.emplace(cells.key, slot).first;
  }
  MapSlot& slot = found->second;
  const auto firstRow = static_cast<std::uint32_t>(cells.firstRow);
  const auto rowCount = static_cast<std::uint32_t>(cells.values.size()) / columns;
  assert(firstRow + rowCount <= rows);
  auto* target = reinterpret_cast<qfloat16*>(m_pages[slot.page].data()) + slot.firstCell + firstRow * columns;
  qFloatToFloat16(target, cells.values.data(), static_cast<qsizetype>(cells.values.size()));
  slot.rowsHeld = slot.generation == cells.generation ? std::max(slot.rowsHeld, firstRow + rowCount)
                                                      : firstRow + rowCount;
  slot.generation = cells.generation;
}

}  // namespace headroom::view
