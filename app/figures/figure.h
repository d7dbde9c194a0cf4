#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/analysis/color_map.h"
#include "core/analysis/weight_geometry.h"

namespace headroom::figures {

/// What a figure shows, as plain values: whoever has them paints them or writes them as a table.

enum class Stroke { None, Solid, Dashed, Dotted };
enum class Mark { None, Cross, Square, Circle, Disc, Diamond, Triangle, TriangleDown, PlusCircle };

struct Point {
  double x = 0.0;
  double y = 0.0;
};

struct Range {
  double low = 0.0;
  double high = 0.0;
};

/// Points of one colour, joined or marked. Without points it stands in the legend only.
struct Series {
  std::string name;  ///< in the legend; empty: not there
  analysis::Color color;
  Stroke stroke = Stroke::Solid;
  Mark mark = Mark::None;
  double markScale = 1.0;  ///< of the usual size
  std::vector<Point> points = {};
  std::vector<Range> ranges = {};  ///< least and most at each point, or empty
};

struct Axis {
  std::string label;  ///< with its unit
  double low = 0.0;
  double high = 1.0;
  bool isLogarithmic = false;
};

inline constexpr const char* kUntrainedName = "beyond the trained context";

struct LinePlot {
  Axis x;
  Axis y;
  std::vector<Series> series;
  std::optional<double> untrainedFrom;  ///< from there on the ground is tinted, and called kUntrainedName
};

/// Bars in groups, one of each lane side by side, from 0 up.
struct BarPlot {
  struct Lane {
    std::string name;
    analysis::Color color;
    std::vector<double> values;  ///< [group]
  };

  std::string label;  ///< of the axis, with its unit
  std::vector<std::string> groups;
  std::vector<Lane> lanes;
};

/// Attention of one head: down the token that looks, across the token it looks at. A cell is the largest
/// value of `factor` x `factor` positions; factor 1: every value.
struct AttentionMap {
  std::string lane;  ///< its title
  int layer = 0;
  int queryHead = 0;
  int positions = 0;
  int factor = 1;
  int cellCount = 0;               ///< each way: positions / factor, rounded up
  std::vector<float> cells;        ///< [cellCount][cellCount], attention
  std::vector<float> withoutSink;  ///< the same without attention to position 0, which one scale hides
  std::vector<bool> isRecorded;    ///< [cellCount] rows; what is not recorded is not 0
  std::vector<int> pooling;  ///< [cellCount] rows: positions across that a cell's value may be the largest of
  std::vector<std::string> labels;  ///< [positions], the tokens on one line each
  analysis::MapScale scale = analysis::MapLook{}.scale;
  double maximum = 1.0;  ///< attention at the top of a stretched scale
  analysis::ColorMap colors = analysis::MapLook{}.colors;

  /// Whether a cell holds attention that the scale shows: not above the diagonal, not the hidden sink.
  bool shows(int row, int column) const;
  std::size_t index(int row, int column) const {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(cellCount) +
           static_cast<std::size_t>(column);
  }
  /// Of a cell, which it shows.
  analysis::Color colorOf(int row, int column) const;
};

/// W_Q, W_K, W_V and W_O of every lane to one scale: across is what a matrix gives, down what it takes.
struct WeightDrawing {
  struct Lane {
    std::string name;
    std::string facts;
    analysis::Color color;
    int headDim = 0;
    std::vector<analysis::WeightMatrix> matrices;
  };

  std::vector<Lane> lanes;
};

/// Numbers of heads as coloured cells, to one scale: a map or several of each lane, with a head in each
/// column.
struct HeadCells {
  /// How query heads that read one KV head are held together.
  enum class Groups {
    Brackets,  ///< above the columns
    Frames,    ///< along the diagonal: rows are heads too
  };
  struct Map {
    std::string name;  ///< above it; may be empty
    std::vector<std::string> rows;
    std::vector<std::string> columns;
    std::vector<double> values;  ///< [row][column]; NaN: there is none, which is not 0

    double at(std::size_t row, std::size_t column) const { return values[row * columns.size() + column]; }
  };
  struct Lane {
    std::string name;
    std::string facts;
    analysis::Color color;
    int groupSize = 1;  ///< columns that are held together
    std::vector<Map> maps;
  };

  std::vector<Lane> lanes;
  std::string down;     ///< what rows are
  std::string across;   ///< what columns are
  std::string measure;  ///< at the scale, with its unit
  double low = 0.0;
  double high = 1.0;
  analysis::ColorMap colors = analysis::ColorMap::Viridis;
  Groups groups = Groups::Brackets;

  /// Of a value that there is.
  analysis::Color colorOf(double value) const;
};

/// The figure's numbers. Cells are written as they are, numbers with every digit that they have.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

struct Figure {
  std::string title;
  /// Paragraphs: models and how they decode, device and date, and of each quantity whether it is measured,
  /// counted or computed.
  std::vector<std::string> caption;
  std::variant<LinePlot, BarPlot, AttentionMap, WeightDrawing, HeadCells> content;
  Table table;  ///< empty for a map, whose cells are its table
};

/// When a figure was made, and by which version of the program.
struct FigureOrigin {
  std::string date;
  std::string version;

  /// "2026-11-28 12:34, Headroom 0.5.0", the end of a caption.
  std::string text() const { return date + ", Headroom " + version; }
};

/// The table as comma-separated values with a line of column names; of a map query, attended, attention and
/// the positions that a value is the largest of.
std::string csvText(const Figure& figure);

}  // namespace headroom::figures
