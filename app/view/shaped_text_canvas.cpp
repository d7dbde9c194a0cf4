#include "app/view/shaped_text_canvas.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace headroom::view {

namespace {

/// Push constants of shaped_text.vert.
struct ShapedTextParams {
  float viewport[2];
};

constexpr std::uint32_t kTextVertexWords[] = {
#include "shaped_text_vert.spv.inc"
};
constexpr std::uint32_t kTextFragmentWords[] = {
#include "shaped_text_frag.spv.inc"
};
constexpr std::array<VkVertexInputAttributeDescription, 3> kTextAttributes{{
    {0, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(ShapedTextInstance, rectangle)},
    {1, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(ShapedTextInstance, ink)},
    {2, 0, VK_FORMAT_R32G32B32A32_UINT, offsetof(ShapedTextInstance, source)},
}};
constexpr QuadProgram kTextProgram{.vertexWords = kTextVertexWords,
                                   .fragmentWords = kTextFragmentWords,
                                   .attributes = kTextAttributes,
                                   .instanceBytes = sizeof(ShapedTextInstance),
                                   .paramBytes = sizeof(ShapedTextParams),
                                   .texelBufferCount = 1,
                                   .blend = QuadBlend::Over};

/// 8 pages of 4 MB hold 20,000 Chinese characters of the usual size, more than any screen.
constexpr std::uint32_t kTexelsPerPage = 1u << 20;
constexpr std::uint32_t kMostPages = 8;
/// Positions of characters are small beside their pixels, and each is needed while a text is broken into
/// lines.
constexpr std::size_t kMostShaped = 1u << 14;
constexpr std::size_t kFirstTextInstances = 256;

std::string keyOf(const ImFont* font, std::string_view text, panels::TextDirection direction) {
  std::string key(reinterpret_cast<const char*>(&font), sizeof font);
  key += direction == panels::TextDirection::RightToLeft ? 'r' : 'l';
  return key.append(text);
}

}  // namespace

ShapedTextCanvas::ShapedTextCanvas(const GpuContext& gpu, VkRenderPass renderPass,
                                   std::uint32_t maximumTexels, int framesInFlight,
                                   const panels::Fonts& fonts)
    : m_gpu(gpu),
      m_texelsPerPage(std::min(kTexelsPerPage, maximumTexels)),
      m_layouts(fonts),
      m_pipeline(gpu.device, renderPass, kTextProgram),
      m_sets(gpu.device, m_pipeline.setLayout(), kMostPages, kTextProgram.texelBufferCount),
      m_ring(m_texelsPerPage, kMostPages, framesInFlight),
      m_instanceBuffers(static_cast<std::size_t>(framesInFlight)) {}

void ShapedTextCanvas::beginFrame(int frameInFlight) {
  m_frame = static_cast<std::size_t>(frameInFlight);
  m_ring.beginFrame();
  m_instances.clear();
  m_batches.clear();
  m_complete = true;
}

const panels::ShapedText& ShapedTextCanvas::shape(const ImFont* font, std::string_view text,
                                                  panels::TextDirection direction) {
  std::string key = keyOf(font, text, direction);
  const auto found = m_shaped.find(key);
  if (found != m_shaped.end()) return found->second;
  if (m_shaped.size() >= kMostShaped) m_shaped.clear();
  return m_shaped.emplace(std::move(key), m_layouts.shape(font, text, direction)).first->second;
}

const ShapedTextCanvas::Piece* ShapedTextCanvas::pieceOf(const std::string& key, const ImFont* font,
                                                         session::Color ink, std::string_view text,
                                                         panels::TextDirection direction) {
  const auto found = m_pieces.find(key);
  if (found != m_pieces.end() && (!found->second.place || m_ring.holds(*found->second.place))) {
    return &found->second;
  }
  const TextPixels pixels = m_layouts.rasterise(font, text, direction, QColor(ink.red, ink.green, ink.blue));
  Piece piece{.place = std::nullopt,
              .width = static_cast<std::uint32_t>(pixels.image.width()),
              .height = static_cast<std::uint32_t>(pixels.image.height()),
              .left = pixels.left,
              .top = pixels.top,
              .colored = pixels.colored};
  if (!pixels.image.isNull() && !keep(pixels, piece)) return nullptr;
  return &m_pieces.insert_or_assign(key, piece).first->second;
}

bool ShapedTextCanvas::keep(const TextPixels& pixels, Piece& piece) {
  piece.place = m_ring.allocate(piece.width * piece.height);
  if (!piece.place) return false;
  if (piece.place->first == 0 && piece.place->generation > 0) forgetEmptied();
  while (m_pages.size() < m_ring.pageCount()) {
    m_pages.emplace_back(m_gpu, VkDeviceSize{m_texelsPerPage} * 4, VK_FORMAT_R8G8B8A8_UNORM);
    m_descriptorSets.push_back(m_sets.make(std::array{m_pages.back().view()}));
  }
  std::byte* out = m_pages[piece.place->page].data() + std::size_t{piece.place->first} * 4;
  const std::size_t rowBytes = std::size_t{piece.width} * 4;
  for (int y = 0; y < pixels.image.height(); ++y, out += rowBytes) {
    std::memcpy(out, pixels.image.constScanLine(y), rowBytes);
  }
  return true;
}

void ShapedTextCanvas::forgetEmptied() {
  std::erase_if(m_pieces, [this](const auto& entry) {
    return entry.second.place && !m_ring.holds(*entry.second.place);
  });
}

ShapedTextCanvas::Batch& ShapedTextCanvas::batchFor(ImDrawList& list, std::uint32_t page) {
  // Where nothing was drawn since the last piece, behind its two commands stands an empty one.
  const int count = list.CmdBuffer.Size;
  if (count >= 3 && !m_batches.empty() && m_batches.back().page == page) {
    const ImDrawCmd& last = list.CmdBuffer[count - 1];
    const ImDrawCmd& mine = list.CmdBuffer[count - 3];
    const bool follows = last.ElemCount == 0 && last.UserCallback == nullptr &&
                         mine.UserCallback == &recordCallback && mine.UserCallbackData == &m_batches.back() &&
                         std::memcmp(&last.ClipRect, &mine.ClipRect, sizeof last.ClipRect) == 0;
    if (follows) return m_batches.back();
  }
  m_batches.push_back({.canvas = this,
                       .page = page,
                       .firstInstance = static_cast<std::uint32_t>(m_instances.size()),
                       .instanceCount = 0});
  list.AddCallback(&recordCallback, &m_batches.back());
  list.AddCallback(ImDrawCallback_ResetRenderState, nullptr);
  return m_batches.back();
}

void ShapedTextCanvas::draw(ImDrawList& list, const ImFont* font, ImVec2 at, session::Color ink,
                            std::string_view text, panels::TextDirection direction, panels::TextTurn turn) {
  std::string key = keyOf(font, text, direction);
  const Piece* piece = pieceOf(key, font, ink, text, direction);
  if (piece && piece->colored) {
    // Beside glyphs with colours of their own there may be some in the ink.
    key.append({static_cast<char>(ink.red), static_cast<char>(ink.green), static_cast<char>(ink.blue), '\0'});
    piece = pieceOf(key, font, ink, text, direction);
  }
  if (!piece) {
    m_complete = false;
    return;
  }
  if (!piece->place) return;
  m_ring.use(*piece->place);
  const auto width = static_cast<float>(piece->width);
  const auto height = static_cast<float>(piece->height);
  const float x = std::floor(at.x + 0.5f);
  const float y = std::floor(at.y + 0.5f);
  const auto dx = static_cast<float>(piece->left);
  const auto dy = static_cast<float>(piece->top);
  const bool isLevel = turn == panels::TextTurn::Level;
  const ImVec2 corner = isLevel ? ImVec2{x + dx, y + dy} : ImVec2{x + dy, y - dx - width};
  const ImVec2 size = isLevel ? ImVec2{width, height} : ImVec2{height, width};
  Batch& batch = batchFor(list, piece->place->page);
  const auto share = [](std::uint8_t value) { return static_cast<float>(value) / 255.0f; };
  const bool own = piece->colored;
  m_instances.push_back({.rectangle = {corner.x, corner.y, corner.x + size.x, corner.y + size.y},
                         .ink = {own ? 1.0f : share(ink.red), own ? 1.0f : share(ink.green),
                                 own ? 1.0f : share(ink.blue), share(ink.alpha)},
                         .source = {piece->place->first, piece->width, piece->height, isLevel ? 0u : 1u}});
  ++batch.instanceCount;
}

void ShapedTextCanvas::beginRecording(VkCommandBuffer commands, ImVec2 viewport) {
  m_commands = commands;
  m_viewport = viewport;
  if (m_instances.empty()) return;
  // QVulkanWindow has waited for this frame's last use of its buffer.
  refill<ShapedTextInstance>(m_instanceBuffers[m_frame], m_gpu, m_instances, kFirstTextInstances);
}

void ShapedTextCanvas::recordCallback(const ImDrawList*, const ImDrawCmd* command) {
  const auto* batch = static_cast<const Batch*>(command->UserCallbackData);
  batch->canvas->record(*batch, command->ClipRect);
}

void ShapedTextCanvas::record(const Batch& batch, const ImVec4& clip) {
  const ShapedTextParams params{.viewport = {m_viewport.x, m_viewport.y}};
  m_pipeline.record(m_commands, {.viewport = {m_viewport.x, m_viewport.y},
                                 .clip = {clip.x, clip.y, clip.z, clip.w},
                                 .set = m_descriptorSets[batch.page],
                                 .instances = m_instanceBuffers[m_frame].handle(),
                                 .firstInstance = batch.firstInstance,
                                 .instanceCount = batch.instanceCount,
                                 .params = std::as_bytes(std::span(&params, 1))});
}

}  // namespace headroom::view
