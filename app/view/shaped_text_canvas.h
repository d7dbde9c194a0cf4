#pragma once

#include <vulkan/vulkan.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "app/panels/panel.h"
#include "app/view/gpu_buffer.h"
#include "app/view/quad_pipeline.h"
#include "app/view/texel_ring.h"
#include "app/view/text_layouts.h"

namespace headroom::view {

/// A piece of shaped text as the vertex stage reads it: shaders/shaped_text.vert.
struct ShapedTextInstance {
  float rectangle[4];
  float ink[4];
  std::uint32_t source[4];
};
static_assert(sizeof(ShapedTextInstance) == 48);

/// TextShaper on the window's device. Texts are rasterised when they are first drawn and kept in texel
/// buffers of 32 MB at most, from which ImGui's draw callbacks copy them. For other fonts make a new one.
class ShapedTextCanvas : public panels::TextShaper {
 public:
  ShapedTextCanvas(const GpuContext& gpu, VkRenderPass renderPass, std::uint32_t maximumTexels,
                   int framesInFlight, const panels::Fonts& fonts);
  ShapedTextCanvas(const ShapedTextCanvas&) = delete;
  ShapedTextCanvas& operator=(const ShapedTextCanvas&) = delete;

  /// Before panels draw: forgets what the last frame drew.
  void beginFrame(int frameInFlight);
  /// After panels drew, before ImGui's draw data are recorded.
  void beginRecording(VkCommandBuffer commands, ImVec2 viewport);
  /// Whether this frame drew all texts. One that found no room is missing; the next frame may have some.
  bool complete() const { return m_complete; }

  const panels::ShapedText& shape(const ImFont* font, std::string_view text,
                                  panels::TextDirection direction) override;
  void draw(ImDrawList& list, const ImFont* font, ImVec2 at, session::Color ink, std::string_view text,
            panels::TextDirection direction, panels::TextTurn turn) override;

 private:
  /// A text in the pages.
  struct Piece {
    std::optional<TexelPlace> place;  // none where it has no ink
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    int left = 0;  // of the text's top left corner
    int top = 0;
    bool colored = false;
  };
  /// Consecutive instances of one page.
  struct Batch {
    ShapedTextCanvas* canvas = nullptr;
    std::uint32_t page = 0;
    std::uint32_t firstInstance = 0;
    std::uint32_t instanceCount = 0;
  };

  /// The piece under a key, rasterised where it is not held; null where there is no room.
  const Piece* pieceOf(const std::string& key, const ImFont* font, session::Color ink, std::string_view text,
                       panels::TextDirection direction);
  /// Copies to a page; false where there is no room.
  bool keep(const TextPixels& pixels, Piece& piece);
  void forgetEmptied();
  Batch& batchFor(ImDrawList& list, std::uint32_t page);
  static void recordCallback(const ImDrawList* list, const ImDrawCmd* command);
  void record(const Batch& batch, const ImVec4& clip);

  GpuContext m_gpu;
  std::uint32_t m_texelsPerPage;
  TextLayouts m_layouts;
  QuadPipeline m_pipeline;
  TexelSets m_sets;
  TexelRing m_ring;
  std::vector<TexelBuffer> m_pages;
  std::vector<VkDescriptorSet> m_descriptorSets;  // [page]
  std::vector<GpuBuffer> m_instanceBuffers;       // [frame in flight]
  std::unordered_map<std::string, panels::ShapedText> m_shaped;
  std::unordered_map<std::string, Piece> m_pieces;
  std::size_t m_frame = 0;
  bool m_complete = true;
  std::vector<ShapedTextInstance> m_instances;
  std::deque<Batch> m_batches;  // stable addresses, ImGui's commands point to them
  VkCommandBuffer m_commands = VK_NULL_HANDLE;
  ImVec2 m_viewport;
};

}  // namespace headroom::view
