#include "app/panels/head_wall_panel.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "app/panels/drawing.h"
#include "app/panels/row_requests.h"
#include "app/session/display_text.h"
#include "app/session/trained_context.h"
#include "core/analysis/head_statistics.h"
#include "core/model/quantity.h"

namespace headroom::panels {

using analysis::PooledMap;

namespace {

/// Layers that do not fit at this height are scrolled to.
constexpr float kSmallestCell = 20.0f;
/// At this one a map can be read.
constexpr float kReadableCell = 26.0f;
constexpr float kCellGap = 4.0f;
/// Heads never are: a bracket that is half out of sight tells nothing of sharing. Their maps become as narrow
/// as that instead.
constexpr float kNarrowestCell = 1.0f;
/// How much of the ground lies over maps that are not lit.
constexpr double kSteppedBack = 0.7;

float largestWithoutSink(const PooledMap& map) {
  float largest = 0.0f;
  for (int row = 0; row < map.cellRowCount(); ++row) {
    const auto start = map.cells().begin() + static_cast<std::ptrdiff_t>(row) * PooledMap::kCells;
    largest = std::max(largest, *std::max_element(start + 1, start + std::max(row + 1, 2)));
  }
  return largest;
}

}  // namespace

MapKey overviewKey(int lane, int layer, int queryHead) {
  return (static_cast<MapKey>(lane) << 48) | (static_cast<MapKey>(layer) << 24) |
         static_cast<MapKey>(queryHead);
}

float HeadWallPanel::headHeight(const PanelContext& context) {
  return 2.0f * context.fonts.small->FontSize + context.px(5);
}

float HeadWallPanel::leastHeight(const PanelContext& context, int layers) {
  return headHeight(context) + static_cast<float>(layers) * context.px(kReadableCell + kCellGap);
}

int HeadWallPanel::extentFor(int length, int contextLength) {
  int extent = 32;
  while (extent < length) extent = extent % 3 == 0 ? extent / 3 * 4 : extent / 2 * 3;
  return std::min(extent, std::max(contextLength, 1));
}

void HeadWallPanel::upload(const PanelContext& context, int layer, int head) {
  const PooledMap& map = context.store.lane(m_lane).overview(layer, head);
  const MapKey key = overviewKey(m_lane, layer, head);
  // Another factor means other cells everywhere, as another run does.
  const std::uint64_t generation = context.store.run() * 64 + static_cast<std::uint64_t>(map.factor() % 63);
  int held = context.canvas.rowsHeld(key, generation);
  // The newest row of cells may have gained rows since.
  if (held > 0) --held;
  const int rows = map.cellRowCount();
  if (rows <= held) return;
  context.canvas.update(
      {.key = key,
       .generation = generation,
       .rows = PooledMap::kCells,
       .columns = PooledMap::kCells,
       .firstRow = held,
       .values = map.cells().subspan(static_cast<std::size_t>(held) * PooledMap::kCells,
                                     static_cast<std::size_t>(rows - held) * PooledMap::kCells)});
}

void HeadWallPanel::draw(const PanelContext& context, const Rect& area) {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const session::Palette& colors = context.palette();
  const float gutter = context.px(context.appearance.presentation() ? 34 : 26);
  const float top = headHeight(context);

  Grid grid;
  const auto columns = static_cast<float>(lane.queryHeadCount());
  const auto rows = static_cast<float>(lane.layerCount());
  const float smallest = context.px(kSmallestCell);
  // No head lies under the bar that scrolls the layers.
  const bool scrolls = rows * (smallest + context.px(kCellGap)) > area.height() - top;
  const float width = area.width() - gutter - (scrolls ? ImGui::GetStyle().ScrollbarSize : 0.0f);
  const float pitch = width / columns;
  grid.gap = std::min(context.px(lane.queryHeadCount() > 16 ? 2 : kCellGap), std::floor(0.25f * pitch));
  grid.cellWidth = std::max(kNarrowestCell, (width + grid.gap) / columns - grid.gap);
  // The last row's frame lies outside of its cells.
  grid.cellHeight = std::max(smallest, (area.height() - top - context.px(2) + grid.gap) / rows - grid.gap);
  grid.cellWidth = std::min(grid.cellWidth, 2.2f * grid.cellHeight);
  grid.cellHeight = std::min(grid.cellHeight, std::max(smallest, 1.35f * grid.cellWidth));

  ImGui::SetCursorScreenPos(area.min);
  ImGui::BeginChild("wall", {area.width(), area.height()});
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const ImVec2 corner = ImGui::GetCursorScreenPos();
  grid.origin = {corner.x + gutter, corner.y + top};
  ImGui::Dummy({gutter + columns * (grid.cellWidth + grid.gap) - grid.gap - 1.0f,
                top + rows * (grid.cellHeight + grid.gap) - grid.gap - 1.0f});
  drawBrackets(context, grid, corner.y);

  const int extent = extentFor(context.store.length(), context.store.contextLength());
  const int position = context.selection.positionIn(context.store, m_lane);
  m_drawings.clear();
  for (int layer = 0; layer < lane.layerCount(); ++layer) {
    const Rect first = grid.cell(layer, 0);
    drawTextRight(list, context.fonts.small,
                  {grid.origin.x - context.px(6),
                   first.min.y + 0.5f * (grid.cellHeight - context.fonts.small->FontSize)},
                  colors.textDim, "L" + std::to_string(layer));
    for (int head = 0; head < lane.queryHeadCount(); ++head) {
      const Rect cell = grid.cell(layer, head);
      if (cell.max.y < area.min.y || cell.min.y > area.max.y) continue;
      const PooledMap& map = lane.overview(layer, head);
      if (map.positionCount() == 0) {
        fillRect(list, cell, colors.mapGround);
        continue;
      }
      upload(context, layer, head);
      const auto factor = static_cast<float>(map.factor());
      const float cells = static_cast<float>(extent) / factor;
      const bool lookingBack = context.selection.position().has_value();
      m_drawings.push_back({.key = overviewKey(m_lane, layer, head),
                            .topLeft = cell.min,
                            .bottomRight = cell.max,
                            .lastColumn = cells,
                            .lastRow = cells,
                            .litRows = lookingBack ? static_cast<float>(position + 1) / factor : 1e9f,
                            .validRows = static_cast<float>(map.cellRowCount()),
                            .maximum = context.selection.mapScale() == session::MapScale::SinkHidden
                                           ? largestWithoutSink(map)
                                           : 1.0f});
    }
  }
  context.canvas.draw(list, m_drawings, context.selection.colorMap(), context.selection.mapScale());
  coverUnrecorded(context, grid, extent);
  markUntrained(context, grid, extent);
  markChanged(context, grid);
  light(context, grid);
  pointAtBracket(context, grid, area, corner.y);
  handleMouse(context, grid, area);
  ImGui::EndChild();
}

void HeadWallPanel::coverUnrecorded(const PanelContext& context, const Grid& grid, int extent) {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  for (int layer = 0; layer < lane.layerCount(); ++layer) {
    for (const PositionRange& range : unrecordedRows(lane, layer)) {
      const float pixels = grid.cellHeight / static_cast<float>(extent);
      for (int head = 0; head < lane.queryHeadCount(); ++head) {
        const Rect cell = grid.cell(layer, head);
        fillRect(*ImGui::GetWindowDrawList(),
                 {{cell.min.x, cell.min.y + static_cast<float>(range.first) * pixels},
                  {cell.max.x, std::min(cell.max.y, cell.min.y + static_cast<float>(range.end) * pixels)}},
                 context.palette().mapGround);
      }
    }
  }
}

void HeadWallPanel::markChanged(const PanelContext& context, const Grid& grid) {
  for (const model::HeadChange& change : context.store.lane(m_lane).info().changes) {
    const Rect cell = grid.cell(change.head.layer, change.head.queryHead);
    ImDrawList& list = *ImGui::GetWindowDrawList();
    fillRect(list, cell, session::withAlpha(context.palette().panel, kSteppedBack));
    const ImU32 color = toImGui(context.palette().text);
    list.AddLine(cell.min, cell.max, color, context.px(1.5f));
    if (change.output == model::HeadOutput::Zero)
      list.AddLine({cell.min.x, cell.max.y}, {cell.max.x, cell.min.y}, color, context.px(1.5f));
  }
}

void HeadWallPanel::markUntrained(const PanelContext& context, const Grid& grid, int extent) {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const std::optional<int> untrained = session::untrainedFrom(lane.info());
  if (!untrained || *untrained >= extent) return;
  const float share = static_cast<float>(*untrained) / static_cast<float>(extent);
  for (int layer = 0; layer < lane.layerCount(); ++layer) {
    for (int head = 0; head < lane.queryHeadCount(); ++head) {
      const Rect cell = grid.cell(layer, head);
      const float y = cell.min.y + share * cell.height();
      drawTrainedEdge(context, {cell.min.x, y}, {cell.max.x, y});
    }
  }
}

int HeadWallPanel::numberEvery(const PanelContext& context, float pitch) {
  const float wanted = textWidth(context.fonts.small, "00") + context.px(3);
  int every = 1;
  while (pitch > 0.0f && static_cast<float>(every) * pitch < wanted) every *= 2;
  return every;
}

void HeadWallPanel::drawBrackets(const PanelContext& context, const Grid& grid, float top) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const session::Palette& colors = context.palette();
  const ImFont* small = context.fonts.small;
  const model::AttentionShape& heads = lane.info().config.attention;
  const session::Color color = laneColor(context, m_lane);
  const float lineY = top + small->FontSize + context.px(1);
  const float left = grid.origin.x - context.px(6);
  const auto lit = context.selection.litHeads(context.store, m_lane);
  const float pitch = grid.cellWidth + grid.gap;
  drawTextRight(list, small, {left, top}, colors.textDim, "KV");
  drawTextRight(list, small, {left, lineY + context.px(2)}, colors.textDim, "Q");
  for (int kvHead = 0; kvHead < heads.kvHeadCount; ++kvHead) {
    const model::HeadRange readers = heads.readersOf(kvHead);
    const float from = grid.cell(0, readers.first).min.x;
    const float to = grid.cell(0, readers.end - 1).max.x;
    const bool isLit = lit && lit->heads.kv.contains(kvHead);
    list.AddLine({from, lineY}, {to, lineY}, toImGui(color), context.px(isLit ? 4 : 2));
    if (kvHead % numberEvery(context, static_cast<float>(readers.count()) * pitch) != 0 && !isLit) continue;
    drawTextCentered(list, isLit ? context.fonts.strong : small, {0.5f * (from + to), top - context.px(1)},
                     isLit ? colors.text : color, std::to_string(kvHead));
  }
  for (int head = 0; head < lane.queryHeadCount(); head += numberEvery(context, pitch)) {
    const Rect cell = grid.cell(0, head);
    drawTextCentered(list, small, {0.5f * (cell.min.x + cell.max.x), lineY + context.px(2)}, colors.textDim,
                     std::to_string(head));
  }
}

void HeadWallPanel::light(const PanelContext& context, const Grid& grid) {
  const auto lit = context.selection.litHeads(context.store, m_lane);
  if (!lit) return;
  const session::LaneTrace& lane = context.store.lane(m_lane);
  ImDrawList& list = *ImGui::GetWindowDrawList();
  for (int layer = 0; layer < lane.layerCount(); ++layer) {
    for (int head = 0; head < lane.queryHeadCount(); ++head) {
      const Rect cell = grid.cell(layer, head);
      if (lit->isLayer(layer) && lit->heads.query.contains(head)) {
        strokeRect(list, cell, laneColor(context, m_lane), 0.0f, context.px(1.5f));
      } else {
        fillRect(list, cell, session::withAlpha(context.palette().panel, kSteppedBack));
      }
    }
  }
}

void HeadWallPanel::pointAtBracket(const PanelContext& context, const Grid& grid, const Rect& area,
                                   float top) {
  const model::AttentionShape& heads = context.store.lane(m_lane).info().config.attention;
  const ImVec2 mouse = ImGui::GetMousePos();
  const bool isAbove = ImGui::IsWindowHovered() && area.contains(mouse) && mouse.y >= top &&
                       mouse.y < grid.origin.y && mouse.x >= grid.origin.x;
  const int head = static_cast<int>((mouse.x - grid.origin.x) / (grid.cellWidth + grid.gap));
  if (!isAbove || head >= heads.queryHeadCount) {
    context.selection.pointAtKvHead(this, std::nullopt);
    return;
  }
  const int kvHead = heads.kvHeadOf(head);
  context.selection.pointAtKvHead(this, session::KvHeadAddress{m_lane, kvHead});
  showTip(context, "KV head " + std::to_string(kvHead), session::sharingSentence(heads, kvHead));
}

void HeadWallPanel::handleMouse(const PanelContext& context, const Grid& grid, const Rect& area) {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const auto& selected = context.selection.head();
  if (selected && selected->layer < lane.layerCount() && selected->queryHead < lane.queryHeadCount()) {
    // The same head of the other lanes is outlined too, thinner.
    const Rect cell = grid.cell(selected->layer, selected->queryHead);
    const bool here = selected->lane == m_lane;
    strokeRect(list, inset(cell, -context.px(1)), here ? context.palette().accent : context.palette().textDim,
               0.0f, context.px(here ? 2.0f : 1.0f));
  }
  const ImVec2 mouse = ImGui::GetMousePos();
  if (!ImGui::IsWindowHovered() || !area.contains(mouse)) return;
  const int head = static_cast<int>((mouse.x - grid.origin.x) / (grid.cellWidth + grid.gap));
  const int layer = static_cast<int>((mouse.y - grid.origin.y) / (grid.cellHeight + grid.gap));
  if (mouse.x < grid.origin.x || mouse.y < grid.origin.y || head >= lane.queryHeadCount() ||
      layer >= lane.layerCount() || !grid.cell(layer, head).contains(mouse)) {
    return;
  }
  ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
  strokeRect(list, inset(grid.cell(layer, head), -context.px(1)), context.palette().text, 0.0f,
             context.px(1));
  if (ImGui::IsMouseClicked(0)) context.selection.setHead(session::HeadAddress{m_lane, layer, head});
  // The button is up again before the menu takes the mouse.
  if (ImGui::IsMouseReleased(1)) context.selection.askForHeadMenu({m_lane, layer, head});

  const int position = context.selection.positionIn(context.store, m_lane);
  const std::span<const float> row = lane.attentionRow(layer, head, position);
  std::string text;
  if (const model::HeadChange* change = lane.info().changeOf({layer, head}))
    text += "In this lane it " + model::deedOf(*change) + ". The map is what its queries and keys compute.\n";
  text += "Reads KV head " + std::to_string(lane.info().config.attention.kvHeadOf(head)) +
          ". Down: the token that looks; across: the token it looks at; a cell shows the maximum "
          "of what it covers.";
  if (!row.empty()) {
    text += "\nAt position " + model::groupDigits(position) + " (computed):";
    const char* before = " ";
    for (const analysis::RowFigure& figure : figuresOf(analysis::rowStatistics(row, 0))) {
      text += before + std::string(figure.name) + " " + figure.value;
      before = ", ";
    }
    text += ".";
  }
  if (position >= 0 && !isRecorded(lane, layer, position)) {
    text += "\nThe row of position " + model::groupDigits(position) + " was not recorded.";
  } else if (row.empty() && position >= 0) {
    text += "\nRows of more than " + model::groupDigits(session::kWholeRows) +
            " positions are kept pooled; the inspector recomputes them whole.";
  }
  if (const auto untrained = session::untrainedFrom(lane.info()); untrained && position >= *untrained) {
    text += "\nBelow the line: " + session::untrainedSentence(*untrained);
  }
  showTip(context, "Layer " + std::to_string(layer) + ", query head " + std::to_string(head),
          text + "\nClick to inspect; a right click offers more, also to take it away.");
}

}  // namespace headroom::panels
