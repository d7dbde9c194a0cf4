#include "app/figures/figure_file.h"

#include <fmt/format.h>

#include <QBuffer>
#include <QImage>
#include <QMarginsF>
#include <QPageSize>
#include <QPainter>
#include <QPdfWriter>
#include <QSvgGenerator>
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "app/figures/head_cells_painter.h"
#include "app/figures/map_painter.h"
#include "app/figures/plot_painter.h"
#include "app/figures/sheet.h"
#include "app/figures/weight_painter.h"
#include "core/formats/files/atomic_file.h"
#include "core/formats/npy.h"
#include "core/model/error.h"

namespace headroom::figures {

namespace {

constexpr double kDotsPerInch = 96.0;
constexpr double kPointsPerInch = 72.0;
constexpr int kPdfResolution = 1200;
/// Height of a chart for its width.
constexpr double kChartShape = 0.5;
constexpr double kBelowTitle = 10.0;
constexpr double kAboveCaption = 14.0;

struct Ending {
  const char* text;
  FileKind kind;
};
constexpr std::array<Ending, 5> kEndings{{{".png", FileKind::Png},
                                          {".svg", FileKind::Svg},
                                          {".pdf", FileKind::Pdf},
                                          {".csv", FileKind::Csv},
                                          {".npy", FileKind::Npy}}};

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

/// A figure laid out for a width.
class Page {
 public:
  Page(const Figure& figure, double width) : m_figure(figure), m_width(width) {
    m_titleLines = wrapped(titleFont(), toQt(figure.title), width - 2.0 * kMargin);
    const double top =
        kMargin + static_cast<double>(m_titleLines.size()) * lineHeight(titleFont()) + kBelowTitle;
    const double inner = width - 2.0 * kMargin;
    const double height =
        std::visit(Overloaded{[&](const AttentionMap& map) { return mapHeight(map, inner); },
                              [&](const WeightDrawing& drawing) { return weightsHeight(drawing, inner); },
                              [&](const HeadCells& cells) { return headCellsHeight(cells, inner); },
                              [&](const auto&) { return kChartShape * width; }},
                   figure.content);
    m_content = {kMargin, top, inner, height};
    m_captionTop = m_content.bottom() + kAboveCaption;
    m_height = std::ceil(m_captionTop + paintParagraphs(nullptr, figure.caption, width, m_captionTop) +
                         0.5 * kMargin);
  }

  QSizeF size() const { return {m_width, m_height}; }

  void paint(QPainter& painter) const {
    painter.setRenderHints(QPainter::Antialiasing | QPainter::TextAntialiasing);
    painter.fillRect(QRectF({0.0, 0.0}, size()), Qt::white);
    double y = kMargin;
    for (const QString& line : m_titleLines) {
      drawText(painter, titleFont(), inkColor(), {kMargin, y}, Qt::AlignLeft | Qt::AlignTop, line);
      y += lineHeight(titleFont());
    }
    std::visit(Overloaded{[&](const AttentionMap& map) { paintMap(painter, map, m_content); },
                          [&](const WeightDrawing& drawing) { paintWeights(painter, drawing, m_content); },
                          [&](const HeadCells& cells) { paintHeadCells(painter, cells, m_content); },
                          [&](const auto& plot) { paintPlot(painter, plot, m_content); }},
               m_figure.content);
    paintParagraphs(&painter, m_figure.caption, m_width, m_captionTop);
  }

 private:
  const Figure& m_figure;
  double m_width;
  double m_height = 0.0;
  QStringList m_titleLines;
  QRectF m_content;
  double m_captionTop = 0.0;
};

void requirePainting(bool began) {
  if (!began) throw model::Error("The picture cannot be made: it does not fit the memory");
}

void writePng(const Page& page, double scale, QBuffer& buffer) {
  const QSizeF pixels = page.size() * scale;
  QImage image(static_cast<int>(std::lround(pixels.width())), static_cast<int>(std::lround(pixels.height())),
               QImage::Format_RGB32);
  requirePainting(!image.isNull());
  constexpr double kInchesPerMetre = 1.0 / 0.0254;
  image.setDotsPerMeterX(static_cast<int>(std::lround(scale * kDotsPerInch * kInchesPerMetre)));
  image.setDotsPerMeterY(image.dotsPerMeterX());
  image.fill(Qt::white);
  QPainter painter(&image);
  painter.scale(scale, scale);
  page.paint(painter);
  painter.end();
  requirePainting(image.save(&buffer, "PNG"));
}

void writeSvg(const Page& page, const Figure& figure, QBuffer& buffer) {
  QSvgGenerator generator;
  generator.setOutputDevice(&buffer);
  generator.setResolution(static_cast<int>(kDotsPerInch));
  generator.setSize(page.size().toSize());
  generator.setViewBox(QRectF({0.0, 0.0}, page.size()));
  generator.setTitle(toQt(figure.title));
  generator.setDescription(toQt(fmt::format("{}", fmt::join(figure.caption, "\n"))));
  QPainter painter;
  requirePainting(painter.begin(&generator));
  page.paint(painter);
}

void writePdf(const Page& page, const Figure& figure, QBuffer& buffer) {
  QPdfWriter writer(&buffer);
  writer.setTitle(toQt(figure.title));
  writer.setResolution(kPdfResolution);
  writer.setPageSize(
      QPageSize(page.size() * (kPointsPerInch / kDotsPerInch), QPageSize::Point, {}, QPageSize::ExactMatch));
  writer.setPageMargins(QMarginsF(0.0, 0.0, 0.0, 0.0));
  QPainter painter;
  requirePainting(painter.begin(&writer));
  painter.scale(kPdfResolution / kDotsPerInch, kPdfResolution / kDotsPerInch);
  page.paint(painter);
}

}  // namespace

FileKind fileKindOf(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char letter) {
    return static_cast<char>(letter < 128 ? std::tolower(letter) : letter);
  });
  for (const Ending& known : kEndings) {
    if (ending == known.text) return known.kind;
  }
  throw model::Error(fmt::format("{} {}, expected .png, .svg, .pdf, .csv or, for rows of a map, .npy", path,
                                 ending.empty() ? "has no ending" : "ends in " + ending));
}

std::string encoded(const Figure& figure, FileKind kind, const PictureSize& size) {
  if (kind == FileKind::Csv) return csvText(figure);
  QBuffer buffer;
  buffer.open(QIODevice::WriteOnly);
  const Page page(figure, size.width);
  if (kind == FileKind::Png) writePng(page, size.scale, buffer);
  if (kind == FileKind::Svg) writeSvg(page, figure, buffer);
  if (kind == FileKind::Pdf) writePdf(page, figure, buffer);
  buffer.close();
  return buffer.data().toStdString();
}

void saveFigure(const Figure& figure, const std::string& path, const PictureSize& size) {
  const FileKind kind = fileKindOf(path);
  if (kind == FileKind::Npy) {
    throw model::Error(path + " ends in .npy, which holds rows of a map, expected .png, .svg, .pdf or .csv");
  }
  saveBytes(path, encoded(figure, kind, size));
}

void saveRows(const std::string& path, int positions, std::span<const float> rows) {
  if (fileKindOf(path) != FileKind::Npy) {
    throw model::Error(path + " does not end in .npy, expected it: rows are written as a NumPy array");
  }
  formats::writeNpy(path, {positions, positions}, rows);
}

void saveBytes(const std::string& path, std::string_view bytes) {
  formats::AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace headroom::figures
