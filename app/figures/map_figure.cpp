#include "app/figures/map_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/analysis/pooled_map.h"
#include "core/model/quantity.h"

namespace headroom::figures {

namespace {

std::string scaleSentence(const AttentionMap& map) {
  switch (map.scale) {
    case analysis::MapScale::Linear:
      return "Scale: linear, 0 to 1.";
    case analysis::MapScale::Logarithmic:
      return fmt::format("Scale: logarithmic, {} to 1.", model::fixedText(analysis::kLogarithmicFloor, 4));
    case analysis::MapScale::SinkHidden:
      return fmt::format("Scale: linear without the first token, 0 to {}, the largest of the rest.",
                         model::shareText(map.maximum));
  }
  return {};
}

}  // namespace

MapFigure::MapFigure(Head head, int positions) : m_head(head) {
  m_map.positions = positions;
  while (positions > kMostCells * m_map.factor) m_map.factor *= 2;
  m_map.cellCount = (positions + m_map.factor - 1) / m_map.factor;
  const auto count = static_cast<std::size_t>(m_map.cellCount);
  m_map.cells.resize(count * count);
  m_map.withoutSink.resize(count * count);
  m_map.isRecorded.resize(count);
  m_map.pooling.resize(count, m_map.factor);
}

void MapFigure::addRow(int position, std::span<const float> row, int pooling) {
  analysis::MapWindow window{
      .cellRows = m_map.cellCount, .cellColumns = m_map.cellCount, .factor = m_map.factor};
  analysis::poolRow(window, position, row, pooling, m_map.cells);
  window.fromToken = 1;
  analysis::poolRow(window, position, row, pooling, m_map.withoutSink);
  const auto cellRow = static_cast<std::size_t>(position / m_map.factor);
  m_map.isRecorded[cellRow] = true;
  m_map.pooling[cellRow] = std::max(m_map.pooling[cellRow], pooling);
}

Figure MapFigure::figure(const FigureLane& lane, const analysis::MapLook& look,
                         std::vector<std::string> labels, const std::string& date) const {
  AttentionMap map = m_map;
  map.lane = lane.title;
  map.layer = m_head.layer;
  map.queryHead = m_head.queryHead;
  map.scale = look.scale;
  map.colors = look.colors;
  map.labels = std::move(labels);
  if (look.scale == analysis::MapScale::SinkHidden) {
    map.maximum = *std::ranges::max_element(map.withoutSink);
  }
  Figure figure{
      .title = fmt::format("{}: attention of layer {}, query head {}, which reads KV head {}", lane.title,
                           m_head.layer, m_head.queryHead, lane.config.attention.kvHeadOf(m_head.queryHead)),
      .caption = {}};
  std::string what =
      "Computed by the model as it decoded, and read back: attention after softmax. Down: the token that "
      "looks. Across: the token it looks at. ";
  if (map.factor > 1) {
    what += fmt::format("A cell is the largest value of {} \u00d7 {} positions. ", map.factor, map.factor);
  }
  // Rows of later queries were kept more coarsely than the picture has room for.
  const auto coarse = std::ranges::find_if(map.pooling, [&](int pooling) { return pooling > map.factor; });
  if (coarse != map.pooling.end()) {
    what += fmt::format("From query {} on values were kept of {} positions across. ",
                        (coarse - map.pooling.begin()) * map.factor, std::ranges::max(map.pooling));
  }
  figure.caption.push_back(what + scaleSentence(map));
  if (std::ranges::count(map.isRecorded, false) > 0) {
    figure.caption.push_back("Rows on the hatched ground were not recorded, which is not 0.");
  }
  const std::vector<std::string> common = lanesCaption({lane}, date);
  figure.caption.insert(figure.caption.end(), common.begin(), common.end());
  figure.content = std::move(map);
  return figure;
}

}  // namespace headroom::figures
