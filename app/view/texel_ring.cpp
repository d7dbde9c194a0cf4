#include "app/view/texel_ring.h"

#include <algorithm>

namespace headroom::view {

TexelRing::TexelRing(std::uint32_t texelsPerPage, std::uint32_t mostPages, int framesInFlight)
    : m_texelsPerPage(texelsPerPage),
      m_mostPages(mostPages),
      m_framesInFlight(static_cast<std::uint64_t>(framesInFlight)) {}

std::optional<TexelPlace> TexelRing::allocate(std::uint32_t count) {
  if (count > m_texelsPerPage) return std::nullopt;
  if (m_pages.empty() || m_pages[m_open].used + count > m_texelsPerPage) {
    if (m_pages.size() < m_mostPages) {
      m_open = m_pages.size();
      m_pages.emplace_back();
    } else {
      const auto oldest = std::ranges::min_element(m_pages, {}, &Page::lastUsed);
      if (oldest->lastUsed + m_framesInFlight > m_frame) return std::nullopt;
      m_open = static_cast<std::size_t>(oldest - m_pages.begin());
      oldest->used = 0;
      ++oldest->generation;
    }
  }
  Page& page = m_pages[m_open];
  const TexelPlace place{
      .page = static_cast<std::uint32_t>(m_open), .first = page.used, .generation = page.generation};
  page.used += count;
  page.lastUsed = m_frame;
  return place;
}

}  // namespace headroom::view
