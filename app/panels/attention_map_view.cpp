#include "app/panels/attention_map_view.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "app/panels/drawing.h"
#include "app/panels/label.h"
#include "app/panels/row_requests.h"
#include "app/session/trained_context.h"

namespace headroom::panels {

namespace {

/// Cells of the inspected map kept on the GPU, each way: more than a map has pixels on a usual screen.
constexpr int kCells = 1024;
constexpr MapKey kInspectorKeys = MapKey{1} << 60;

/// Positions from one label to the next, so that they do not touch.
int labelEvery(const PanelContext& context, float pixelsPerPosition) {
  const float spacing = context.fonts.small->FontSize + context.px(2);
  return std::max(1, static_cast<int>(std::ceil(spacing / pixelsPerPosition)));
}

int firstLabel(double first, int every) {
  return (static_cast<int>(std::ceil(first)) + every - 1) / every * every;
}

}  // namespace

float AttentionMapView::labelWidth(const PanelContext& context) {
  return context.px(context.appearance.presentation() ? 72 : 54);
}
float AttentionMapView::labelHeight(const PanelContext& context) {
  return labelWidth(context);
}

void AttentionMapView::fillRow(const PanelContext& context, int position) {
  const auto rowOf = [&](const session::HeadAddress& head) {
    const session::PooledRow row = bestRow(context.store.lane(head.lane), head, position);
    m_incomplete = m_incomplete || row.pooling > 1;
    return analysis::RowOfMap{row.values, row.pooling};
  };
  const analysis::RowOfMap row = rowOf(m_subject.head);
  if (!m_subject.less) {
    analysis::poolRow(m_window, position, row.values, row.pooling, m_cells);
    if (row.values.size() > 1)
      m_maximum = std::max(m_maximum, *std::max_element(row.values.begin() + 1, row.values.end()));
    return;
  }
  analysis::poolDifference(m_window, position, row, rowOf(*m_subject.less), m_cells);
  const int cellRow = (position - m_window.firstRow) / m_window.factor;
  const auto cells = std::span(m_cells).subspan(static_cast<std::size_t>(cellRow) * kCells, kCells);
  const std::size_t sink = m_window.firstColumn == 0 && m_window.fromToken == 0 ? 1 : 0;
  for (const float cell : cells.subspan(sink)) m_maximum = std::max(m_maximum, std::abs(cell));
}

void AttentionMapView::fillCells(const PanelContext& context, const MapSubject& subject,
                                 const MapViewport& viewport) {
  const session::LaneTrace& lane = context.store.lane(subject.head.lane);
  const session::LaneTrace& other = context.store.lane(subject.less.value_or(subject.head).lane);
  int factor = 1;
  while (viewport.size > static_cast<double>((kCells - 2) * factor)) factor *= 2;
  // The window moves in steps, so that a small pan costs nothing.
  const auto snapped = [&](double first) {
    const int step = 256 * factor;
    return std::max(0, static_cast<int>(std::floor(first / step)) * step);
  };
  analysis::MapWindow window{.cellRows = kCells, .cellColumns = kCells, .factor = factor};
  const bool fits = viewport.firstRow + viewport.size <= kCells * factor &&
                    viewport.firstColumn + viewport.size <= kCells * factor;
  // Pooled, token 0 shares its column with others, so it is left out where the cells are made.
  const bool sinkHidden = context.selection.mapScale() == session::MapScale::SinkHidden;
  if (sinkHidden && factor > 1) window.fromToken = 1;
  if (!fits) {
    window.firstRow = snapped(viewport.firstRow);
    window.firstColumn = snapped(viewport.firstColumn);
  }
  if (viewport.size <= kMostReplayedRows / 2) {
    // In steps, so that a small pan asks for nothing new.
    const int first = static_cast<int>(viewport.firstRow) / 64 * 64;
    wantFullRows(context, subject.head, m_slot == 0 ? RowPurpose::Map : RowPurpose::BesideMap, first,
                 kMostReplayedRows);
    if (subject.less) wantFullRows(context, *subject.less, RowPurpose::BesideMap, first, kMostReplayedRows);
  }
  const int replays = lane.replayCount() + other.replayCount();
  const bool stale = m_incomplete && m_replays != replays;
  if (window != m_window || subject != m_subject || m_run != context.store.run() || stale) {
    m_incomplete = false;
    m_replays = replays;
    m_window = window;
    m_subject = subject;
    m_run = context.store.run();
    m_cells.assign(static_cast<std::size_t>(kCells) * kCells, 0.0f);
    m_nextPosition = window.firstRow;
    m_maximum = 0.0f;
    ++m_generation;
  }
  const int end =
      std::min(std::min(lane.length(), other.length()), window.firstRow + window.cellRows * factor);
  const MapKey key = kInspectorKeys + static_cast<MapKey>(m_slot);
  const int cellRowsNeeded = end > window.firstRow ? (end - 1 - window.firstRow) / factor + 1 : 0;
  const int held = context.canvas.rowsHeld(key, m_generation);
  // The canvas may have lost them with its device.
  if (m_nextPosition >= end && held >= cellRowsNeeded) return;
  const int firstCellRow = std::min(held, (m_nextPosition - window.firstRow) / factor);
  for (; m_nextPosition < end; ++m_nextPosition) fillRow(context, m_nextPosition);
  context.canvas.update({.key = key,
                         .generation = m_generation,
                         .rows = kCells,
                         .columns = kCells,
                         .firstRow = firstCellRow,
                         .values = std::span(m_cells).subspan(
                             static_cast<std::size_t>(firstCellRow) * kCells,
                             static_cast<std::size_t>(cellRowsNeeded - firstCellRow) * kCells)});
}

void AttentionMapView::draw(const PanelContext& context, const MapSubject& subject,
                            const MapViewport& viewport, RowLabels rowLabels, const Rect& area) {
  const session::HeadAddress& head = subject.head;
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::LaneTrace& lane = context.store.lane(head.lane);
  const session::LaneTrace& other = context.store.lane(subject.less.value_or(head).lane);
  const session::Palette& colors = context.palette();
  const float left = area.min.x + (rowLabels == RowLabels::Shown ? labelWidth(context) : 0.0f);
  const float side = std::max(1.0f, std::min(area.max.x - left, area.height() - labelHeight(context)));
  m_plot = {{left, area.min.y}, {left + side, area.min.y + side}};
  fillCells(context, subject, viewport);

  const double factor = m_window.factor;
  const auto cellColumn = [&](double position) {
    return static_cast<float>((position - m_window.firstColumn) / factor);
  };
  const auto cellRow = [&](double position) {
    return static_cast<float>((position - m_window.firstRow) / factor);
  };
  const int position = context.selection.positionIn(context.store, head.lane);
  const MapDrawing drawing{
      .key = kInspectorKeys + static_cast<MapKey>(m_slot),
      .topLeft = m_plot.min,
      .bottomRight = m_plot.max,
      .firstColumn = cellColumn(viewport.firstColumn),
      .firstRow = cellRow(viewport.firstRow),
      .lastColumn = cellColumn(viewport.firstColumn + viewport.size),
      .lastRow = cellRow(viewport.firstRow + viewport.size),
      .litRows = context.selection.position() ? cellRow(position + 1) : 1e9f,
      .validRows = cellRow(std::min(lane.length(), other.length()) + m_window.factor - 1),
      .maximum = context.selection.mapScale() == session::MapScale::SinkHidden ? m_maximum : 1.0f,
      .diagonal = static_cast<float>((m_window.firstRow - m_window.firstColumn) / m_window.factor),
      .sinkInColumn0 = m_window.firstColumn == 0 && m_window.fromToken == 0};
  ImGui::PushClipRect(m_plot.min, m_plot.max, true);
  context.canvas.draw(list, std::span(&drawing, 1),
                      subject.less ? session::ColorMap::Diverging : context.selection.colorMap(),
                      context.selection.mapScale());
  const float pixels = side / static_cast<float>(viewport.size);
  std::vector<PositionRange> unrecorded = unrecordedRows(lane, head.layer);
  if (subject.less) {
    const std::vector<PositionRange> others = unrecordedRows(other, subject.less->layer);
    unrecorded.insert(unrecorded.end(), others.begin(), others.end());
  }
  for (const PositionRange& range : unrecorded) {
    const float top = m_plot.min.y + static_cast<float>(range.first - viewport.firstRow) * pixels;
    const float bottom = m_plot.min.y + static_cast<float>(range.end - viewport.firstRow) * pixels;
    fillRect(list, {{m_plot.min.x, top}, {m_plot.max.x, bottom}}, colors.mapGround);
    if (bottom - top < context.fonts.small->FontSize) continue;
    drawTextCentered(
        list, context.fonts.small,
        {0.5f * (m_plot.min.x + m_plot.max.x), 0.5f * (top + bottom - context.fonts.small->FontSize)},
        colors.textDim, "not recorded");
  }
  if (const auto untrained = session::untrainedFrom(lane.info())) {
    const float edge = m_plot.min.y + static_cast<float>(*untrained - viewport.firstRow) * pixels;
    drawTrainedEdge(context, {m_plot.min.x, edge}, {m_plot.max.x, edge});
    // At the right no attention is drawn yet there: a row is as long as its position.
    drawTextRight(list, context.fonts.small,
                  {m_plot.max.x - context.px(4), edge - context.px(2) - context.fonts.small->FontSize},
                  colors.textDim, "trained until here");
  }
  // The row of the step looked at, between two lines.
  const float rowTop = m_plot.min.y + static_cast<float>(position - viewport.firstRow) * pixels;
  const float rowBottom = std::max(rowTop + pixels, rowTop + context.px(2));
  strokeRect(list, {{m_plot.min.x - 4.0f, rowTop - 1.0f}, {m_plot.max.x + 4.0f, rowBottom + 1.0f}},
             colors.accent, 0.0f, context.px(1));
  drawMarked(context, lane, viewport);
  ImGui::PopClipRect();
  strokeRect(list, m_plot, colors.border);
  if (rowLabels == RowLabels::Shown) drawRowLabels(context, lane, viewport);
  drawColumnLabels(context, lane, viewport);
}

void AttentionMapView::drawMarked(const PanelContext& context, const session::LaneTrace& lane,
                                  const MapViewport& viewport) const {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const float pixels = m_plot.width() / static_cast<float>(viewport.size);
  const auto spanOf = [&](float from, double first, int position) {
    const float start = from + static_cast<float>(position - first) * pixels;
    return std::pair(start, std::max(start + pixels, start + context.px(2)));
  };
  for (const int pin : context.selection.pins()) {
    const auto [top, bottom] = spanOf(m_plot.min.y, viewport.firstRow, pin);
    strokeRect(list, {{m_plot.min.x - 4.0f, top - 1.0f}, {m_plot.max.x + 4.0f, bottom + 1.0f}}, colors.text,
               0.0f, context.px(1));
  }
  if (context.selection.sought().empty()) return;
  const session::Color ink = session::withAlpha(colors.mark, 0.55);
  const int end = std::min(lane.length(), static_cast<int>(viewport.firstRow + viewport.size) + 1);
  for (int position = 0; position < end; ++position) {
    if (!context.selection.isSought(lane, position)) continue;
    const auto [top, bottom] = spanOf(m_plot.min.y, viewport.firstRow, position);
    const auto [left, right] = spanOf(m_plot.min.x, viewport.firstColumn, position);
    // Down its column, and from the edge to the diagonal along its row: the rest of it is empty.
    list.AddLine({0.5f * (left + right), std::max(m_plot.min.y, top)}, {0.5f * (left + right), m_plot.max.y},
                 toImGui(ink), context.px(1));
    list.AddLine({m_plot.min.x, 0.5f * (top + bottom)}, {std::min(m_plot.max.x, left), 0.5f * (top + bottom)},
                 toImGui(ink), context.px(1));
  }
}

void AttentionMapView::drawRowLabels(const PanelContext& context, const session::LaneTrace& lane,
                                     const MapViewport& viewport) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const ImFont* small = context.fonts.small;
  const float pixels = m_plot.height() / static_cast<float>(viewport.size);
  const int every = labelEvery(context, pixels);
  for (int position = firstLabel(viewport.firstRow, every); position < lane.length(); position += every) {
    const float centre = m_plot.min.y + (static_cast<float>(position - viewport.firstRow) + 0.5f) * pixels;
    if (centre > m_plot.max.y - 0.4f * small->FontSize) break;
    drawLabelRight(context, list, small, {m_plot.min.x - context.px(5), centre - 0.5f * small->FontSize},
                   context.palette().textDim,
                   elidedLabel(context, small, lane.labelAt(position), labelWidth(context) - context.px(7)));
  }
}

void AttentionMapView::drawColumnLabels(const PanelContext& context, const session::LaneTrace& lane,
                                        const MapViewport& viewport) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const ImFont* small = context.fonts.small;
  const float pixels = m_plot.width() / static_cast<float>(viewport.size);
  const int every = labelEvery(context, pixels);
  ImGui::PushClipRect({0, 0}, ImGui::GetIO().DisplaySize, false);
  for (int position = firstLabel(viewport.firstColumn, every); position < lane.length(); position += every) {
    const float centre = m_plot.min.x + (static_cast<float>(position - viewport.firstColumn) + 0.5f) * pixels;
    if (centre > m_plot.max.x - 0.4f * small->FontSize) break;
    const std::string label =
        elidedLabel(context, small, lane.labelAt(position), labelHeight(context) - context.px(7));
    // Ends at the axis.
    const ImVec2 start{std::floor(centre - 0.5f * small->FontSize),
                       std::floor(m_plot.max.y + context.px(5) + panels::labelWidth(context, small, label))};
    drawLabelUpwards(context, list, small, start, context.palette().textDim, label);
  }
  ImGui::PopClipRect();
}

std::optional<MapPoint> AttentionMapView::pointAt(const MapViewport& viewport, const session::LaneTrace& lane,
                                                  ImVec2 mouse) const {
  if (!m_plot.contains(mouse)) return std::nullopt;
  const double scale = viewport.size / m_plot.width();
  const MapPoint point{
      .query = static_cast<int>(std::floor(viewport.firstRow + (mouse.y - m_plot.min.y) * scale)),
      .attended = static_cast<int>(std::floor(viewport.firstColumn + (mouse.x - m_plot.min.x) * scale))};
  const bool inside =
      point.query >= 0 && point.query < lane.length() && point.attended >= 0 && point.attended <= point.query;
  return inside ? std::optional(point) : std::nullopt;
}

}  // namespace headroom::panels
