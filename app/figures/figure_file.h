#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/figures/figure.h"

namespace headroom::figures {

/// What a figure is written as; the rows of a map also as NPY.
enum class FileKind { Png, Svg, Pdf, Csv, Npy };

/// By the ending, in any case. Throws model::Error for another, naming it and those that are known.
FileKind fileKindOf(const std::string& path);

/// How large a picture is.
struct PictureSize {
  static constexpr int kLeastWidth = 800;
  static constexpr int kMostWidth = 4096;
  static constexpr double kLeastScale = 1.0;
  static constexpr double kMostScale = 4.0;

  int width = 960;     ///< pixels at 96 per inch; the height follows from what is shown
  double scale = 2.0;  ///< of a PNG: pixels per pixel of the width
};

/// The bytes of the file, of a figure and so not NPY. A picture needs a QGuiApplication.
std::string encoded(const Figure& figure, FileKind kind, const PictureSize& size = {});

/// Writes the figure as its ending says, whole or not at all. Throws model::Error for an ending that is none
/// of a figure, and when the file cannot be written.
void saveFigure(const Figure& figure, const std::string& path, const PictureSize& size = {});

/// Writes the attention rows of one head, [positions][positions] float32 with 0 where a row does not look, as
/// NPY. Throws model::Error for another ending, and when the file cannot be written.
void saveRows(const std::string& path, int positions, std::span<const float> rows);

/// Writes a picture or table that somebody else has made, whole or not at all. Throws model::Error.
void saveBytes(const std::string& path, std::string_view bytes);

}  // namespace headroom::figures
