#pragma once

#include <imgui.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/selection.h"
#include "app/session/speed_board.h"
#include "app/session/trace_store.h"

namespace headroom::panels {

/// Names one heat map that the canvas keeps between frames.
using MapKey = std::uint64_t;

/// New cells of a map, [rowCount][columns] from `firstRow` on. A larger `generation` than before means that
/// nothing kept under the key is valid any more.
struct MapCells {
  MapKey key = 0;
  std::uint64_t generation = 0;
  int rows = 0;     ///< of the whole map
  int columns = 0;  ///< of the whole map
  int firstRow = 0;
  std::span<const float> values;  ///< attention, [rows given][columns]
};

/// A kept map in a rectangle of the screen. Several cells under one pixel show their maximum.
struct MapDrawing {
  MapKey key = 0;
  ImVec2 topLeft;
  ImVec2 bottomRight;
  float firstColumn = 0.0f;  ///< cells at the rectangle's edges, fractions allowed
  float firstRow = 0.0f;
  float lastColumn = 0.0f;
  float lastRow = 0.0f;
  float litRows = 0.0f;    ///< rows from here on are dimmed: they are later than the step looked at
  float validRows = 0.0f;  ///< rows from here on are empty
  float maximum = 1.0f;    ///< attention at the top of a stretched scale
  /// The last column that row 0 may attend to: how far the rows' origin lies behind the columns'. Row r may
  /// attend to r more.
  float diagonal = 0.0f;
  /// Whether column 0 is what the scale with the sink hidden leaves out.
  bool sinkInColumn0 = true;
};

/// Draws attention maps on the GPU inside the ImGui view; implemented by app/view. A drawing fills its whole
/// rectangle: what is not attention has the palette's mapGround.
class HeatMapCanvas {
 public:
  virtual ~HeatMapCanvas() = default;

  /// Whether the canvas holds cells of `key` and `generation`; if so, `rows` is how many from the top.
  virtual int rowsHeld(MapKey key, std::uint64_t generation) const = 0;
  virtual void update(const MapCells& cells) = 0;
  /// All maps go out in one draw call, clipped to the current clip rectangle of `list`.
  virtual void draw(ImDrawList& list, std::span<const MapDrawing> drawings, session::ColorMap colorMap,
                    session::MapScale scale) = 0;
};

enum class TextDirection { LeftToRight, RightToLeft };

/// Which way a line of text runs on the screen.
enum class TextTurn { Level, Upwards };

/// A character of shaped text with the marks that belong to it.
struct ShapedCharacter {
  std::size_t firstByte = 0;
  std::size_t endByte = 0;
  float left = 0.0f;  ///< pixels from the left of the text
  float right = 0.0f;
};

/// Where the characters of a text stand, in pixels.
struct ShapedText {
  float width = 0.0f;
  std::vector<ShapedCharacter> characters;  ///< in reading order, all bytes of the text
};

/// Draws text that ImGui cannot: characters beyond 16 bits or without a glyph in its fonts, joined, stacked
/// or right-to-left scripts, colours. Implemented by app/view with the platform's fonts. `font` gives size,
/// weight and baseline; texts are UTF-8 without line feeds.
class TextShaper {
 public:
  virtual ~TextShaper() = default;

  /// Valid until the next call.
  virtual const ShapedText& shape(const ImFont* font, std::string_view text, TextDirection direction) = 0;
  /// Draws at the top left corner of the text, on whole pixels, in the current clip rectangle of `list`;
  /// upwards from the corner that is the top left one of the level text. Glyphs that have colours keep them.
  virtual void draw(ImDrawList& list, const ImFont* font, ImVec2 at, session::Color ink,
                    std::string_view text, TextDirection direction, TextTurn turn) = 0;
};

struct Fonts {
  ImFont* body = nullptr;
  ImFont* strong = nullptr;
  ImFont* small = nullptr;
  ImFont* headline = nullptr;  ///< large; drawn at any smaller size too
};

/// What a panel draws from and acts on. Panels never see Vulkan or the engine.
struct PanelContext {
  const session::TraceStore& store;
  const session::SpeedBoard& board;
  session::Selection& selection;
  const session::Appearance& appearance;
  HeatMapCanvas& canvas;
  TextShaper& shaper;
  Fonts fonts;
  float unit = 1.0f;  ///< size of a device-independent pixel, grown with the text
  bool playing = false;
  std::string_view opening;  ///< the model on its way to the device; empty when none is

  const session::Palette& palette() const { return appearance.palette(); }
  float px(float size) const { return size * unit; }
};

struct Rect {
  ImVec2 min;
  ImVec2 max;

  float width() const { return max.x - min.x; }
  float height() const { return max.y - min.y; }
  bool contains(ImVec2 point) const {
    return point.x >= min.x && point.x < max.x && point.y >= min.y && point.y < max.y;
  }
};

/// One thing that ImGui draws into a part of the live view, whose ground already has the panel colour.
class Panel {
 public:
  virtual ~Panel() = default;
  virtual void draw(const PanelContext& context, const Rect& area) = 0;
};

}  // namespace headroom::panels
