#pragma once

#include <QFont>
#include <QPalette>

#include "app/panels/panel.h"
#include "app/session/appearance.h"

namespace headroom::view {

/// ImGui counts a font's whole line as its size, Qt its em square: the line of Roboto over its em.
inline constexpr float kLinePerEm = 1.17f;

/// The shared palette as Qt's Fusion style takes it.
QPalette qtPalette(const session::Appearance& appearance);
/// The interface font at the appearance's size.
QFont qtFont(const session::Appearance& appearance);
/// Qt style sheet for what a palette cannot say: tool bar, tool tips, separators.
QString qtStyleSheet(const session::Appearance& appearance);

/// "1.86".
const char* imguiVersion();
/// Colours and metrics of the current ImGui context.
void applyImGuiStyle(const session::Appearance& appearance, float unit);
/// Loads the fonts at `unit` pixels per device-independent pixel into the current context's atlas.
panels::Fonts loadImGuiFonts(const session::Appearance& appearance, float unit);

}  // namespace headroom::view
