#pragma once

#include <string>
#include <string_view>

#include "app/panels/panel.h"

namespace headroom::panels {

inline ImU32 toImGui(session::Color color) {
  return IM_COL32(color.red, color.green, color.blue, color.alpha);
}

// Texts here are the program's own words; label.h has the same for those of tokens and files.
float textWidth(const ImFont* font, std::string_view text);
/// Draws at the top left corner; returns the width.
float drawText(ImDrawList& list, const ImFont* font, ImVec2 at, session::Color color, std::string_view text);
void drawTextRight(ImDrawList& list, const ImFont* font, ImVec2 topRight, session::Color color,
                   std::string_view text);
void drawTextCentered(ImDrawList& list, const ImFont* font, ImVec2 topCentre, session::Color color,
                      std::string_view text);
/// Runs upwards from `at`, with the tops of its letters at the left.
void drawTextUpwards(ImDrawList& list, const ImFont* font, ImVec2 at, session::Color color,
                     std::string_view text);
/// As much of `text` as fits, with an ellipsis where it does not.
std::string elided(const ImFont* font, std::string_view text, float width);

void fillRect(ImDrawList& list, const Rect& rect, session::Color color, float rounding = 0.0f);
void strokeRect(ImDrawList& list, const Rect& rect, session::Color color, float rounding = 0.0f,
                float thickness = 1.0f);

/// Where the trained context ends: a line with a casing, so that it shows on maps of every colour.
void drawTrainedEdge(const PanelContext& context, ImVec2 from, ImVec2 to);

/// What the mouse does on an area.
struct AreaState {
  bool hovered = false;
  bool clicked = false;
  bool dragged = false;  ///< the button is held after a press inside
};
/// Makes `rect` sensitive to the mouse; `id` is unique within the panel.
AreaState mouseArea(const char* id, const Rect& rect);

/// A tool tip of a heading and explaining lines, which may quote tokens.
void showTip(const PanelContext& context, std::string_view heading, std::string_view text);

enum class ScaleOf { Attention, Differences };
/// The colours of all maps between what they begin and end with; `high` is what the last one means on a
/// stretched scale.
void drawColorScale(const PanelContext& context, const Rect& area, const std::string& high,
                    ScaleOf of = ScaleOf::Attention);
/// What the scales are, in one paragraph.
std::string colorScaleText();

/// "weights" for "weights read": the short names under a traffic bar.
std::string_view shortClassName(int trafficClass);

/// "8,192 B/token"; "/position" where a step decodes a token of several sequences.
std::string cacheRateText(const session::LaneInfo& info);
/// Where a lane's cache bytes come from: what its figure begins with.
std::string cacheOrigin(const session::LaneInfo& info);
/// Where "tokens/s" comes from, of `steps` steps, 0 where there are none yet.
std::string tokenRateOrigin(int steps);

inline Rect inset(const Rect& rect, float by) {
  return {{rect.min.x + by, rect.min.y + by}, {rect.max.x - by, rect.max.y - by}};
}
inline session::Color laneColor(const PanelContext& context, int lane) {
  return context.palette().lane(context.store.lane(lane).info().request.colorIndex);
}

}  // namespace headroom::panels
