#include "app/panels/text_unit.h"

#include <algorithm>

#include "app/panels/drawing.h"

namespace headroom::panels {

namespace {

using Kind = session::TextCluster::Kind;

/// So that no text is wider than what the TextShaper can keep.
constexpr std::size_t kMostClusters = 32;

std::string shownText(std::string_view bytes, const session::TextCluster& cluster) {
  const std::string shown = session::displayText(bytes.substr(cluster.first, cluster.end - cluster.first));
  return cluster.kind == Kind::LineFeed ? session::tokenLabel(shown) : shown;
}

/// Whether `next` belongs to the word of a cluster that the TextShaper draws.
bool joinsShaped(const ImFont* font, const session::TextCluster& first, const session::TextCluster& last,
                 const session::TextCluster& next) {
  if (next.kind != Kind::Character || next.rightToLeft != first.rightToLeft) return false;
  return next.rightToLeft || (!isPlain(font, next) && !last.wide && !next.wide);
}

/// What a unit has behind its first clusters.
void endAt(TextUnit& unit, std::span<const session::TextCluster> clusters, std::size_t endCluster) {
  unit.endCluster = endCluster;
  unit.endByte = clusters[endCluster - 1].end;
}

void measureShaped(const PanelContext& context, const ImFont* font, std::string_view bytes,
                   std::span<const session::TextCluster> clusters, std::size_t first, float widest,
                   TextUnit& unit) {
  unit.text = bytes.substr(unit.firstByte, unit.endByte - unit.firstByte);
  const ShapedText& shaped = context.shaper.shape(font, unit.text, unit.direction());
  unit.width = shaped.width;
  if (unit.width <= widest || unit.endCluster == first + 1) return;
  // As many as fit, in reading order; what is left is the next unit.
  std::size_t fitting = unit.firstByte;
  for (const ShapedCharacter& character : shaped.characters) {
    const float reach = unit.rightToLeft ? shaped.width - character.left : character.right;
    if (reach > widest) break;
    fitting = unit.firstByte + character.endByte;
  }
  std::size_t end = first + 1;
  while (end < unit.endCluster && clusters[end].end <= fitting) ++end;
  endAt(unit, clusters, end);
  unit.text = bytes.substr(unit.firstByte, unit.endByte - unit.firstByte);
  unit.width = context.shaper.shape(font, unit.text, unit.direction()).width;
}

}  // namespace

bool isPlain(const ImFont* font, const session::TextCluster& cluster) {
  if (cluster.kind == Kind::Byte || cluster.kind == Kind::LineFeed || cluster.codePoint == '\t') return true;
  if (cluster.codePoint == 0 || cluster.codePoint > 0xFFFF) return false;
  if (cluster.rightToLeft && cluster.kind != Kind::Space) return false;
  return font->FindGlyphNoFallback(static_cast<ImWchar>(cluster.codePoint)) != nullptr;
}

TextUnit unitFrom(const PanelContext& context, const ImFont* font, std::string_view bytes,
                  std::span<const session::TextCluster> clusters, std::size_t first,
                  std::span<const std::size_t> cuts, float widest) {
  const session::TextCluster& head = clusters[first];
  TextUnit unit{.firstByte = head.first,
                .shaped = !isPlain(font, head),
                .rightToLeft = head.rightToLeft,
                .space = head.kind == Kind::Space};
  std::size_t end = first + 1;
  if (unit.shaped) {
    while (end < clusters.size() && end - first < kMostClusters && head.kind == Kind::Character &&
           joinsShaped(font, head, clusters[end - 1], clusters[end])) {
      ++end;
    }
    endAt(unit, clusters, end);
    measureShaped(context, font, bytes, clusters, first, widest, unit);
    return unit;
  }
  unit.text = shownText(bytes, head);
  while (end < clusters.size() && isPlain(font, clusters[end]) &&
         clusters[end].rightToLeft == head.rightToLeft && (clusters[end].kind == Kind::Space) == unit.space &&
         !std::ranges::binary_search(cuts, clusters[end].first)) {
    unit.text += shownText(bytes, clusters[end]);
    ++end;
  }
  endAt(unit, clusters, end);
  unit.width = textWidth(font, unit.text);
  return unit;
}

void drawUnit(const PanelContext& context, ImDrawList& list, const ImFont* font, ImVec2 at,
              session::Color color, const TextUnit& unit, TextTurn turn) {
  const ImVec2 start = turn == TextTurn::Level ? ImVec2{at.x + unit.x, at.y} : ImVec2{at.x, at.y - unit.x};
  if (unit.shaped) {
    context.shaper.draw(list, font, start, color, unit.text, unit.direction(), turn);
  } else if (turn == TextTurn::Level) {
    drawText(list, font, start, color, unit.text);
  } else {
    drawTextUpwards(list, font, start, color, unit.text);
  }
}

}  // namespace headroom::panels
