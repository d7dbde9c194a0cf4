#include "app/figures/figure.h"

#include <fmt/format.h>

#include <iterator>

#include "core/model/csv.h"

namespace headroom::figures {

namespace {

std::string csvLine(const std::vector<std::string>& cells) {
  std::string line;
  for (const std::string& cell : cells) {
    if (&cell != &cells.front()) line += ',';
    line += model::csvCell(cell);
  }
  return line + '\n';
}

std::string mapText(const AttentionMap& map) {
  // Of several positions a value is the largest.
  const bool isPooled = std::ranges::any_of(map.pooling, [](int pooling) { return pooling > 1; });
  std::string text = fmt::format("lane,layer,query_head,query,attended,{},positions_per_value\n",
                                 isPooled ? "largest_attention" : "attention");
  const std::string head = fmt::format("{},{},{}", model::csvCell(map.lane), map.layer, map.queryHead);
  for (int row = 0; row < map.cellCount; ++row) {
    if (!map.isRecorded[static_cast<std::size_t>(row)]) continue;
    // Where values were kept more coarsely than cells are, neighbouring cells have the same one.
    const int across = map.pooling[static_cast<std::size_t>(row)];
    for (int column = 0; column <= row; column += across / map.factor) {
      fmt::format_to(std::back_inserter(text), "{},{},{},{},{}\n", head, row * map.factor,
                     column * map.factor, map.cells[map.index(row, column)], across);
    }
  }
  return text;
}

}  // namespace

bool AttentionMap::shows(int row, int column) const {
  const bool isHiddenSink = scale == analysis::MapScale::SinkHidden && factor == 1 && column == 0;
  return column <= row && isRecorded[static_cast<std::size_t>(row)] && !isHiddenSink;
}

analysis::Color AttentionMap::colorOf(int row, int column) const {
  const bool isWithoutSink = scale == analysis::MapScale::SinkHidden;
  const float attention = (isWithoutSink ? withoutSink : cells)[index(row, column)];
  return analysis::colorOf(colors, analysis::scaled(scale, static_cast<double>(attention), maximum));
}

analysis::Color HeadCells::colorOf(double value) const {
  return analysis::colorOf(colors, high > low ? (value - low) / (high - low) : 0.0);
}

std::string csvText(const Figure& figure) {
  if (const auto* map = std::get_if<AttentionMap>(&figure.content)) return mapText(*map);
  std::string text = csvLine(figure.table.columns);
  for (const std::vector<std::string>& row : figure.table.rows) text += csvLine(row);
  return text;
}

}  // namespace headroom::figures
