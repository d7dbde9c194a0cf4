#include "app/view/theme.h"

#include <imgui_freetype.h>

#include <cmath>

#include "app/view/system_fonts.h"

namespace headroom::view {

namespace {

QColor qt(session::Color color) {
  return {color.red, color.green, color.blue, color.alpha};
}

ImVec4 imgui(session::Color color) {
  return {color.red / 255.0f, color.green / 255.0f, color.blue / 255.0f, color.alpha / 255.0f};
}

// What prompts and models write: Latin, Greek, Cyrillic, punctuation, arrows, mathematics, shapes.
constexpr ImWchar kGlyphRanges[] = {0x0020, 0x024F, 0x0370, 0x03FF, 0x0400, 0x04FF, 0x2010,
                                    0x205E, 0x2070, 0x209F, 0x20A0, 0x20BF, 0x2190, 0x21FF,
                                    0x2200, 0x22FF, 0x25A0, 0x25FF, 0xFFFD, 0xFFFD, 0};

/// A headline has numbers and units only, so that its large letters take little memory.
constexpr ImWchar kHeadlineRanges[] = {0x0020, 0x007E, 0x00D7, 0x00D7, 0x2013, 0x2013, 0};
/// Of body text; drawn smaller where there is less room.
constexpr float kHeadline = 2.5f;

ImFont* loadFont(const SystemFont& primary, const SystemFont& symbols, float pixels,
                 const ImWchar* ranges = kGlyphRanges) {
  ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
  ImFontConfig config;
  config.FontNo = primary.index;
  config.OversampleH = 1;
  config.PixelSnapH = true;
  ImFont* font = primary.file.empty()
                     ? atlas.AddFontDefault()
                     : atlas.AddFontFromFileTTF(primary.file.c_str(), pixels, &config, ranges);
  if (!symbols.file.empty() && symbols.file != primary.file) {
    config.MergeMode = true;
    config.FontNo = symbols.index;
    atlas.AddFontFromFileTTF(symbols.file.c_str(), pixels, &config, ranges);
  }
  return font;
}

}  // namespace

QPalette qtPalette(const session::Appearance& appearance) {
  const session::Palette& colors = appearance.palette();
  QPalette palette;
  palette.setColor(QPalette::Window, qt(colors.window));
  palette.setColor(QPalette::WindowText, qt(colors.text));
  palette.setColor(QPalette::Base, qt(colors.raised));
  palette.setColor(QPalette::AlternateBase, qt(colors.panel));
  palette.setColor(QPalette::Text, qt(colors.text));
  palette.setColor(QPalette::PlaceholderText, qt(colors.textFaint));
  palette.setColor(QPalette::Button, qt(colors.raised));
  palette.setColor(QPalette::ButtonText, qt(colors.text));
  palette.setColor(QPalette::BrightText, qt(colors.mark));
  palette.setColor(QPalette::ToolTipBase, qt(colors.raised));
  palette.setColor(QPalette::ToolTipText, qt(colors.text));
  palette.setColor(QPalette::Highlight, qt(colors.accent));
  palette.setColor(QPalette::HighlightedText, qt(colors.accentText));
  palette.setColor(QPalette::Link, qt(colors.accent));
  palette.setColor(QPalette::Light, qt(colors.hovered));
  palette.setColor(QPalette::Midlight, qt(colors.border));
  palette.setColor(QPalette::Mid, qt(colors.border));
  palette.setColor(QPalette::Dark, qt(colors.border));
  palette.setColor(QPalette::Shadow, qt(colors.window));
  for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
    palette.setColor(QPalette::Disabled, role, qt(colors.textFaint));
  }
  return palette;
}

QFont qtFont(const session::Appearance& appearance) {
  QFont font(QString::fromStdString(interfaceFont(FontWeight::Regular).family));
  font.setPixelSize(static_cast<int>(std::lround(appearance.textSize())));
  return font;
}

QString qtStyleSheet(const session::Appearance& appearance) {
  const session::Palette& colors = appearance.palette();
  const auto name = [](session::Color color) { return qt(color).name(); };
  return QString(
             "QToolTip { color: %1; background: %2; border: 1px solid %3; padding: 4px 6px; }"
             "QMenuBar { background: %4; } QMenuBar::item { padding: 3px 9px; background: transparent; }"
             "QMenuBar::item:selected { background: %5; border-radius: 3px; }"
             "QToolButton { border: none; border-radius: 4px; padding: 4px; background: transparent; }"
             "QToolButton:hover { background: %5; } QToolButton:pressed { background: %3; }"
             "QToolButton:checked { background: %3; }"
             "QToolButton:focus { border: 1px solid %6; padding: 3px; }"
             "QToolButton::menu-indicator { image: none; }"
             "QLineEdit, QSpinBox, QDoubleSpinBox { border: 1px solid %3; border-radius: 4px; padding: 3px "
             "6px;"
             " background: %2; selection-background-color: %6; }"
             "QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus { border: 1px solid %6; }"
             "QCheckBox::indicator, QRadioButton::indicator { width: %7px; height: %7px; }"
             "QMainWindow::separator { background: %3; height: 1px; width: 1px; }")
      .arg(name(colors.text), name(colors.raised), name(colors.border), name(colors.window),
           name(colors.hovered), name(colors.accent), QString::number(std::lround(appearance.textSize())));
}

const char* imguiVersion() {
  return IMGUI_VERSION;
}

void applyImGuiStyle(const session::Appearance& appearance, float unit) {
  const session::Palette& colors = appearance.palette();
  ImGuiStyle style;
  style.WindowPadding = {0.0f, 0.0f};
  style.WindowBorderSize = 0.0f;
  style.WindowRounding = 0.0f;
  style.ChildRounding = 0.0f;
  style.FramePadding = {7.0f, 3.0f};
  style.FrameRounding = 4.0f;
  style.FrameBorderSize = 1.0f;
  style.PopupRounding = 4.0f;
  style.PopupBorderSize = 1.0f;
  style.ItemSpacing = {8.0f, 4.0f};
  style.ScrollbarSize = 10.0f;
  style.ScrollbarRounding = 5.0f;
  style.GrabRounding = 4.0f;
  style.ScaleAllSizes(unit);
  const auto set = [&](ImGuiCol which, session::Color color) { style.Colors[which] = imgui(color); };
  set(ImGuiCol_Text, colors.text);
  set(ImGuiCol_TextDisabled, colors.textFaint);
  set(ImGuiCol_WindowBg, colors.window);
  set(ImGuiCol_ChildBg, session::withAlpha(colors.window, 0.0));
  set(ImGuiCol_PopupBg, colors.raised);
  set(ImGuiCol_Border, colors.border);
  set(ImGuiCol_FrameBg, colors.raised);
  set(ImGuiCol_FrameBgHovered, colors.hovered);
  set(ImGuiCol_FrameBgActive, colors.hovered);
  set(ImGuiCol_Button, colors.raised);
  set(ImGuiCol_ButtonHovered, colors.hovered);
  set(ImGuiCol_ButtonActive, colors.border);
  set(ImGuiCol_Header, colors.hovered);
  set(ImGuiCol_HeaderHovered, colors.hovered);
  set(ImGuiCol_HeaderActive, colors.border);
  set(ImGuiCol_ScrollbarBg, session::withAlpha(colors.window, 0.0));
  set(ImGuiCol_ScrollbarGrab, colors.border);
  set(ImGuiCol_ScrollbarGrabHovered, colors.hovered);
  set(ImGuiCol_ScrollbarGrabActive, colors.textFaint);
  set(ImGuiCol_CheckMark, colors.accent);
  set(ImGuiCol_NavHighlight, colors.accent);
  ImGui::GetStyle() = style;
}

panels::Fonts loadImGuiFonts(const session::Appearance& appearance, float unit) {
  ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
  atlas.Clear();
  atlas.FontBuilderIO = ImGuiFreeType::GetBuilderForFreeType();
  atlas.FontBuilderFlags = ImGuiFreeTypeBuilderFlags_LightHinting;
  const SystemFont regular = interfaceFont(FontWeight::Regular);
  const SystemFont strong = interfaceFont(FontWeight::Strong);
  const SystemFont symbols = symbolFont();
  const float body = std::round(appearance.textSize() * kLinePerEm * unit);
  const float small = std::round((appearance.textSize() - 1.5f) * kLinePerEm * unit);
  panels::Fonts fonts;
  fonts.body = loadFont(regular, symbols, body);
  fonts.strong = loadFont(strong, symbols, body);
  fonts.small = loadFont(regular, symbols, small);
  fonts.headline = loadFont(strong, symbols, std::round(kHeadline * body), kHeadlineRanges);
  return fonts;
}

}  // namespace headroom::view
