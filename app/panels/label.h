#pragma once

#include <string>
#include <string_view>

#include "app/panels/panel.h"

namespace headroom::panels {

/// Text of any script on one line, where drawing.h has those for the program's own words. What ImGui can draw
/// it draws, to the same pixels.

float labelWidth(const PanelContext& context, const ImFont* font, std::string_view text);
/// Draws at the top left corner; returns the width.
float drawLabel(const PanelContext& context, ImDrawList& list, const ImFont* font, ImVec2 at,
                session::Color color, std::string_view text);
void drawLabelRight(const PanelContext& context, ImDrawList& list, const ImFont* font, ImVec2 topRight,
                    session::Color color, std::string_view text);
/// Runs upwards from `at`, with the tops of its letters at the left.
void drawLabelUpwards(const PanelContext& context, ImDrawList& list, const ImFont* font, ImVec2 at,
                      session::Color color, std::string_view text);
/// As much of `text` as fits, with an ellipsis where it does not.
std::string elidedLabel(const PanelContext& context, const ImFont* font, std::string_view text, float width);

/// ImGui's next item: lines of `text`, broken between words where they are wider than `width`.
void wrappedLabel(const PanelContext& context, ImFont* font, std::string_view text, float width);

}  // namespace headroom::panels
