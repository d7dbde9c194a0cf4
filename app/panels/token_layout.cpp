#include "app/panels/token_layout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "app/panels/drawing.h"

namespace headroom::panels {

namespace {

constexpr float kLineSpacing = 1.32f;
/// A token is never narrower, in device-independent pixels, or nobody could point at it.
constexpr float kLeastWidth = 1.5f;
constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

/// A token as it stands in the text: line feeds alone, or within one, as arrows.
std::string shownText(std::string_view text) {
  return text.find('\n') == std::string_view::npos ? std::string(text) : session::tokenLabel(text);
}

/// Stands for itself: no bytes that could be a part of a character.
bool isMark(const session::LaneTrace& lane, int token) {
  return lane.endsText(token) || lane.bytes(token).empty();
}

/// Where the characters of a unit that ImGui draws stand.
std::vector<ShapedCharacter> plainCharacters(const ImFont* font, std::string_view text) {
  std::vector<ShapedCharacter> characters;
  for (const session::TextCluster& cluster : session::textClusters(text)) {
    characters.push_back({.firstByte = cluster.first,
                          .endByte = cluster.end,
                          .left = textWidth(font, text.substr(0, cluster.first)),
                          .right = textWidth(font, text.substr(0, cluster.end))});
  }
  return characters;
}

}  // namespace

int TokenLayout::Stretch::tokenAt(std::size_t byte) const {
  return static_cast<int>(std::ranges::upper_bound(starts, byte) - starts.begin()) - 1;
}

void TokenLayout::place(const PanelContext& context, const session::LaneTrace& lane, float width) {
  const ImFont* font = context.fonts.body;
  if (m_run != context.store.run() || m_width != width || m_font != font || m_fontSize != font->FontSize) {
    m_run = context.store.run();
    m_width = width;
    m_font = font;
    m_fontSize = font->FontSize;
    m_lineHeight = std::round(font->FontSize * kLineSpacing);
    m_least = std::max(1.0f, context.px(kLeastWidth));
    m_lineStarts = {LineStart{}};
    m_length = 0;
    m_settled = 0;
    ++m_generation;
  } else if (m_length == lane.length()) {
    return;
  }
  const LineStart start = restart();
  bool followsRightToLeft = start.followsRightToLeft;
  for (int position = start.position; position < lane.length();) {
    if (isMark(lane, lane.tokens()[static_cast<std::size_t>(position)])) {
      placeMark(lane, position, context.px(kMarkPadding));
      m_settled = ++position;
    } else {
      const Stretch stretch = stretchFrom(lane, position, followsRightToLeft);
      m_settled = placeStretch(context, lane, stretch);
      position += static_cast<int>(stretch.starts.size()) - 1;
    }
    followsRightToLeft = false;
  }
  orderLine();
  m_length = lane.length();
}

const TokenLayout::LineStart& TokenLayout::restart() {
  // What begins a line there may no longer do so, once it is narrower.
  while (m_lineStarts.size() > 1 && m_lineStarts.back().position >= m_settled) m_lineStarts.pop_back();
  const LineStart& start = m_lineStarts.back();
  m_units.resize(start.unitCount);
  m_boxes.resize(start.boxCount);
  m_firstUnit.resize(static_cast<std::size_t>(start.position));
  m_lineUnit = start.unitCount;
  m_x = 0.0f;
  m_y = start.y;
  m_wrapped = start.wrapped;
  return start;
}

void TokenLayout::placeMark(const session::LaneTrace& lane, int position, float padding) {
  const int token = lane.tokens()[static_cast<std::size_t>(position)];
  TokenUnit unit;
  unit.text = lane.text(token);
  unit.width = textWidth(m_font, unit.text);
  unit.firstPosition = position;
  unit.isMark = lane.endsText(token);
  unit.mayBeginLine = true;
  if (unit.isMark) unit.width += 2.0f * padding;
  const std::vector<TokenBox> boxes{{.position = position, .width = unit.width}};
  add(std::move(unit), boxes);
  if (lane.endsText(token)) breakLine();
}

TokenLayout::Stretch TokenLayout::stretchFrom(const session::LaneTrace& lane, int position,
                                              bool followsRightToLeft) {
  Stretch stretch{.first = position};
  stretch.starts.push_back(0);
  for (; position < lane.length(); ++position) {
    const int token = lane.tokens()[static_cast<std::size_t>(position)];
    if (isMark(lane, token)) break;
    stretch.bytes += lane.bytes(token);
    stretch.starts.push_back(stretch.bytes.size());
  }
  stretch.clusters = session::textClusters(stretch.bytes, followsRightToLeft);
  return stretch;
}

std::size_t TokenLayout::endOfPlainToken(const Stretch& stretch, std::size_t first) const {
  const auto token = static_cast<std::size_t>(stretch.tokenAt(stretch.clusters[first].first));
  if (stretch.starts[token] != stretch.clusters[first].first) return first;
  const std::size_t endByte = stretch.starts[token + 1];
  std::size_t end = first;
  for (; end < stretch.clusters.size() && stretch.clusters[end].first < endByte; ++end) {
    const session::TextCluster& cluster = stretch.clusters[end];
    if (cluster.end > endByte || cluster.rightToLeft || !isPlain(m_font, cluster)) return first;
  }
  return end;
}

int TokenLayout::placeStretch(const PanelContext& context, const session::LaneTrace& lane,
                              const Stretch& stretch) {
  const std::size_t unsettled = firstUnsettled(stretch.clusters);
  int settled = stretch.first;
  for (std::size_t cluster = 0; cluster < stretch.clusters.size();) {
    const session::TextCluster& head = stretch.clusters[cluster];
    const auto token = static_cast<std::size_t>(stretch.tokenAt(head.first));
    const int position = stretch.first + static_cast<int>(token);
    const bool startsToken = stretch.starts[token] == head.first;
    TokenUnit unit;
    const std::size_t plainEnd = endOfPlainToken(stretch, cluster);
    if (plainEnd > cluster) {
      unit.text = shownText(lane.text(lane.tokens()[static_cast<std::size_t>(position)]));
      unit.firstByte = head.first;
      unit.endByte = stretch.starts[token + 1];
      unit.endCluster = plainEnd;
      unit.width = textWidth(m_font, unit.text);
    } else {
      static_cast<TextUnit&>(unit) =
          unitFrom(context, m_font, stretch.bytes, stretch.clusters, cluster, stretch.starts, m_width);
    }
    unit.firstPosition = position;
    unit.firstOffset = head.first - stretch.starts[token];
    if (unsettled >= cluster && unsettled < unit.endCluster) settled = position;
    unit.mayBeginLine = startsToken && !head.inRightToLeftBrackets;
    unit.leadsToken = unit.space && startsToken && unit.endByte < stretch.starts[token + 1];
    unit.followsRightToLeft = head.followsRightToLeft;
    cluster = unit.endCluster;
    const auto lastToken = static_cast<std::size_t>(stretch.tokenAt(unit.endByte - 1));
    const bool breaks =
        stretch.starts[lastToken + 1] == unit.endByte && stretch.bytes[unit.endByte - 1] == '\n';
    std::vector<TokenBox> boxes = divide(context, stretch, unit);
    add(std::move(unit), std::move(boxes));
    if (breaks) breakLine();
  }
  return settled;
}

std::vector<TokenBox> TokenLayout::divide(const PanelContext& context, const Stretch& stretch,
                                          TokenUnit& unit) const {
  if (stretch.tokenAt(unit.firstByte) == stretch.tokenAt(unit.endByte - 1)) {
    unit.width = std::max(unit.width, m_least);
    return {{.position = unit.firstPosition, .width = unit.width}};
  }
  const std::vector<ShapedCharacter> characters =
      unit.shaped ? context.shaper.shape(m_font, unit.text, unit.direction()).characters
                  : plainCharacters(m_font, unit.text);
  std::vector<TokenBox> boxes;
  for (const ShapedCharacter& character : characters) {
    const auto byteCount = static_cast<float>(character.endByte - character.firstByte);
    const float perByte = (character.right - character.left) / byteCount;
    for (std::size_t at = character.firstByte; at < character.endByte;) {
      const auto token = static_cast<std::size_t>(stretch.tokenAt(unit.firstByte + at));
      const std::size_t end = std::min(character.endByte, stretch.starts[token + 1] - unit.firstByte);
      const float width = perByte * static_cast<float>(end - at);
      const float before = perByte * static_cast<float>(at - character.firstByte);
      const float left = unit.rightToLeft ? character.right - before - width : character.left + before;
      boxes.push_back(
          {.position = stretch.first + static_cast<int>(token), .unit = 0, .left = left, .width = width});
      at = end;
    }
  }
  std::ranges::stable_sort(boxes, {}, &TokenBox::left);
  // Parts of a token side by side are one, and together they fill the unit.
  std::vector<TokenBox> joined;
  for (const TokenBox& box : boxes) {
    if (joined.empty() || joined.back().position != box.position) joined.push_back(box);
  }
  float right = 0.0f;
  for (std::size_t part = 0; part < joined.size(); ++part) {
    const float end = part + 1 < joined.size() ? joined[part + 1].left : unit.width;
    joined[part].left = right;
    joined[part].width = std::max(end - right, m_least);
    right += joined[part].width;
  }
  unit.width = right;
  return joined;
}

std::optional<TokenLayout::LineStart> TokenLayout::lineStartAt(const TokenUnit& unit) {
  if (!unit.mayBeginLine) return std::nullopt;
  return LineStart{.position = unit.firstPosition, .followsRightToLeft = unit.followsRightToLeft};
}

std::optional<TokenLayout::LineStart> TokenLayout::takeSpaceOf(int position) {
  if (m_units.size() <= m_lineUnit + 1) return std::nullopt;
  const TokenUnit& last = m_units.back();
  if (!last.leadsToken || last.firstPosition != position) return std::nullopt;
  const std::optional<LineStart> start = lineStartAt(last);
  m_boxes.resize(last.firstBox);
  m_units.pop_back();
  m_firstUnit[static_cast<std::size_t>(position)] = kNowhere;
  return start;
}

void TokenLayout::add(TokenUnit unit, std::vector<TokenBox> boxes) {
  bool wraps = std::exchange(m_wrapped, false);
  if (wraps && unit.space) return;
  std::optional<LineStart> start = lineStartAt(unit);
  bool leavesOutSpace = false;
  if (m_x > 0.0f && m_x + unit.width > m_width) {
    wraps = true;
    if (const std::optional<LineStart> taken = takeSpaceOf(unit.firstPosition)) {
      start = taken;
      leavesOutSpace = true;
    }
    breakLine();
    leavesOutSpace = leavesOutSpace || unit.leadsToken;
  }
  const bool isText = !unit.shaped && !unit.isMark && !unit.space;
  if (wraps && isText && unit.text.starts_with(' ') && unit.text.size() > 1) {
    unit.text.erase(0, 1);
    unit.width = textWidth(m_font, unit.text);
    for (TokenBox& box : boxes) box.width = unit.width;
    leavesOutSpace = true;
  }
  if (m_x == 0.0f && start) {
    start->wrapped = leavesOutSpace;
    beginLine(*start);
  }
  if (wraps && unit.leadsToken) return;
  unit.x = m_x;
  unit.y = m_y;
  unit.firstBox = m_boxes.size();
  unit.endBox = m_boxes.size() + boxes.size();
  m_x += unit.width;
  for (TokenBox& box : boxes) {
    box.unit = m_units.size();
    const auto position = static_cast<std::size_t>(box.position);
    if (m_firstUnit.size() <= position) m_firstUnit.resize(position + 1, kNowhere);
    m_firstUnit[position] = std::min(m_firstUnit[position], m_units.size());
    m_boxes.push_back(box);
  }
  m_units.push_back(std::move(unit));
}

void TokenLayout::beginLine(LineStart start) {
  if (start.position <= m_lineStarts.back().position) return;  // placing began there
  start.unitCount = m_units.size();
  start.boxCount = m_boxes.size();
  start.y = m_y;
  m_lineStarts.push_back(start);
}

void TokenLayout::breakLine() {
  orderLine();
  m_x = 0.0f;
  m_y += m_lineHeight;
  m_lineUnit = m_units.size();
}

void TokenLayout::orderLine() {
  orderVisually(std::span(m_units).subspan(m_lineUnit));
}

float TokenLayout::lineTop(int position) const {
  return m_units[m_firstUnit[static_cast<std::size_t>(position)]].y;
}

float TokenLayout::height() const {
  return m_units.empty() ? 0.0f : m_units.back().y + m_lineHeight;
}

std::string TokenLayout::sharedCharacter(const session::LaneTrace& lane, int position) const {
  const auto bytesAt = [&](int at) { return lane.bytes(lane.tokens()[static_cast<std::size_t>(at)]).size(); };
  std::string characters;
  for (std::size_t index = m_firstUnit[static_cast<std::size_t>(position)]; index < m_units.size(); ++index) {
    const TokenUnit& unit = m_units[index];
    const auto parts = std::span(m_boxes).subspan(unit.firstBox, unit.endBox - unit.firstBox);
    if (std::ranges::find(parts, position, &TokenBox::position) == parts.end()) break;
    if (parts.size() < 2) continue;
    // Bytes of the token within the unit, which may begin and end in the middle of tokens.
    std::size_t before = 0;
    for (int at = unit.firstPosition; at < position; ++at) before += bytesAt(at);
    const std::size_t first = before > unit.firstOffset ? before - unit.firstOffset : 0;
    const std::size_t end = before + bytesAt(position) - unit.firstOffset;
    for (const session::TextCluster& cluster : session::textClusters(unit.text)) {
      const bool overlaps = cluster.first < end && cluster.end > first;
      if (overlaps && (cluster.first < first || cluster.end > end)) {
        characters += unit.text.substr(cluster.first, cluster.end - cluster.first);
      }
    }
  }
  return characters;
}

}  // namespace headroom::panels
