#pragma once

#include <QColor>
#include <QFont>
#include <QImage>
#include <string>
#include <string_view>

#include "app/panels/panel.h"

namespace headroom::view {

/// A text as pixels.
struct TextPixels {
  QImage image;  ///< RGBA, multiplied by alpha; only what has ink, null where nothing has
  int left = 0;  ///< of the image, from the top left corner of the text
  int top = 0;
  /// Some glyph has colours of its own. Else the image is white, for any ink.
  bool colored = false;
};

/// Lays texts out with the fonts of the platform, at the sizes and baselines of ImGui's fonts.
class TextLayouts {
 public:
  explicit TextLayouts(const panels::Fonts& fonts);

  panels::ShapedText shape(const ImFont* font, std::string_view text, panels::TextDirection direction) const;
  /// `ink` counts where a glyph has colours.
  TextPixels rasterise(const ImFont* font, std::string_view text, panels::TextDirection direction,
                       QColor ink) const;

 private:
  QFont qtFont(const ImFont* font, std::string_view text) const;

  panels::Fonts m_fonts;
  std::string m_regular;  // family
  std::string m_strong;   // family
  std::string m_emoji;    // family
};

}  // namespace headroom::view
