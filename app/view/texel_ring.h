#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace headroom::view {

/// Where something lies in the pages of a TexelRing.
struct TexelPlace {
  std::uint32_t page = 0;
  std::uint32_t first = 0;       ///< texel
  std::uint64_t generation = 0;  ///< of the page's content
};

/// Hands out stretches of a bounded number of pages. Where all are full, the page that was used longest ago
/// is emptied, but none that a frame in flight may still read.
class TexelRing {
 public:
  TexelRing(std::uint32_t texelsPerPage, std::uint32_t mostPages, int framesInFlight);

  /// The device has finished all frames that are as many back as there are frames in flight.
  void beginFrame() { ++m_frame; }
  /// `count` texels, used by this frame. Nothing where no page has or may get room.
  std::optional<TexelPlace> allocate(std::uint32_t count);
  /// Whether what was put there is still there.
  bool holds(const TexelPlace& place) const { return m_pages[place.page].generation == place.generation; }
  /// This frame reads from it.
  void use(const TexelPlace& place) { m_pages[place.page].lastUsed = m_frame; }
  std::uint32_t pageCount() const { return static_cast<std::uint32_t>(m_pages.size()); }

 private:
  struct Page {
    std::uint32_t used = 0;
    std::uint64_t generation = 0;
    std::uint64_t lastUsed = 0;
  };

  std::uint32_t m_texelsPerPage;
  std::uint32_t m_mostPages;
  std::uint64_t m_framesInFlight;
  std::uint64_t m_frame = 0;
  std::vector<Page> m_pages;
  std::size_t m_open = 0;  // the page that is being filled
};

}  // namespace headroom::view
