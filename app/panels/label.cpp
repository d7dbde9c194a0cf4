#include "app/panels/label.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "app/panels/drawing.h"
#include "app/panels/text_unit.h"

namespace headroom::panels {

namespace {

bool isAscii(std::string_view text) {
  return std::ranges::none_of(text, [](char byte) { return static_cast<unsigned char>(byte) >= 0x80; });
}

bool isPlainText(const ImFont* font, std::string_view text) {
  return isAscii(text) || std::ranges::all_of(session::textClusters(text),
                                              [&](const auto& cluster) { return isPlain(font, cluster); });
}

std::vector<TextUnit> lineOf(const PanelContext& context, const ImFont* font, std::string_view text) {
  const std::vector<session::TextCluster> clusters = session::textClusters(text);
  std::vector<TextUnit> line;
  float x = 0.0f;
  for (std::size_t cluster = 0; cluster < clusters.size(); cluster = line.back().endCluster) {
    line.push_back(
        unitFrom(context, font, text, clusters, cluster, {}, std::numeric_limits<float>::infinity()));
    line.back().x = x;
    x += line.back().width;
  }
  orderVisually(std::span(line));
  return line;
}

float widthOf(const std::vector<TextUnit>& line) {
  float width = 0.0f;
  for (const TextUnit& unit : line) width += unit.width;
  return width;
}

float drawLine(const PanelContext& context, ImDrawList& list, const ImFont* font, ImVec2 at,
               session::Color color, std::string_view text, TextTurn turn) {
  const std::vector<TextUnit> line = lineOf(context, font, text);
  for (const TextUnit& unit : line) drawUnit(context, list, font, at, color, unit, turn);
  return widthOf(line);
}

}  // namespace

float labelWidth(const PanelContext& context, const ImFont* font, std::string_view text) {
  return isPlainText(font, text) ? textWidth(font, text) : widthOf(lineOf(context, font, text));
}

float drawLabel(const PanelContext& context, ImDrawList& list, const ImFont* font, ImVec2 at,
                session::Color color, std::string_view text) {
  if (isPlainText(font, text)) return drawText(list, font, at, color, text);
  return drawLine(context, list, font, at, color, text, TextTurn::Level);
}

void drawLabelRight(const PanelContext& context, ImDrawList& list, const ImFont* font, ImVec2 topRight,
                    session::Color color, std::string_view text) {
  drawLabel(context, list, font, {topRight.x - labelWidth(context, font, text), topRight.y}, color, text);
}

void drawLabelUpwards(const PanelContext& context, ImDrawList& list, const ImFont* font, ImVec2 at,
                      session::Color color, std::string_view text) {
  if (isPlainText(font, text)) {
    drawTextUpwards(list, font, at, color, text);
  } else {
    drawLine(context, list, font, at, color, text, TextTurn::Upwards);
  }
}

std::string elidedLabel(const PanelContext& context, const ImFont* font, std::string_view text, float width) {
  if (isPlainText(font, text)) return elided(font, text, width);
  if (labelWidth(context, font, text) <= width) return std::string(text);
  const std::vector<session::TextCluster> clusters = session::textClusters(text);
  const auto shorter = [&](std::size_t count) {
    return std::string(text.substr(0, clusters[count].first)).append("\u2026");
  };
  // Titles may be long, and this is asked in every frame: halve what is between what fits and what does not.
  std::size_t fits = 0;
  std::size_t tooMany = clusters.size();
  while (tooMany - fits > 1) {
    const std::size_t middle = fits + (tooMany - fits) / 2;
    (labelWidth(context, font, shorter(middle)) <= width ? fits : tooMany) = middle;
  }
  const std::string fitting = shorter(fits);
  return fits > 0 || labelWidth(context, font, fitting) <= width ? fitting : std::string();
}

void wrappedLabel(const PanelContext& context, ImFont* font, std::string_view text, float width) {
  if (isPlainText(font, text)) {
    ImGui::PushFont(font);
    ImGui::PushTextWrapPos(width);
    ImGui::TextUnformatted(text.data(), text.data() + text.size());
    ImGui::PopTextWrapPos();
    ImGui::PopFont();
    return;
  }
  std::vector<std::string> lines;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t lineEnd = std::min(text.find('\n', at), text.size());
    lines.emplace_back();
    while (at < lineEnd) {
      const std::size_t wordEnd = std::min(text.find(' ', at + 1), lineEnd);
      const std::string_view word = text.substr(at, wordEnd - at);
      if (!lines.back().empty() && labelWidth(context, font, lines.back() + std::string(word)) > width) {
        lines.emplace_back(word.substr(word.front() == ' ' ? 1 : 0));
      } else {
        lines.back() += word;
      }
      at = wordEnd;
    }
    at = lineEnd + 1;
  }
  const ImVec2 start = ImGui::GetCursorScreenPos();
  float widest = 0.0f;
  for (std::size_t line = 0; line < lines.size(); ++line) {
    const ImVec2 at{start.x, start.y + font->FontSize * static_cast<float>(line)};
    widest = std::max(widest, drawLabel(context, *ImGui::GetWindowDrawList(), font, at,
                                        context.palette().text, lines[line]));
  }
  ImGui::Dummy({widest, font->FontSize * static_cast<float>(lines.size())});
}

}  // namespace headroom::panels
