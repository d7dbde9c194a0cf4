#include "app/session/selection.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace headroom::session {

template <typename Value>
void Selection::assign(Value& member, const Value& value) {
  if (member == value) return;
  member = value;
  emit changed();
}

void Selection::setHead(std::optional<HeadAddress> head) {
  assign(m_head, head);
}
void Selection::setLook(const InspectorLook& look) {
  assign(m_look, look);
}

std::optional<HeadAddress> Selection::headBeside(const TraceStore& store) const {
  if (!m_head || m_look.isAlone) return std::nullopt;
  if (m_look.beside) return m_look.beside;
  for (int offset = 1; offset < store.laneCount(); ++offset) {
    const int lane = (m_head->lane + offset) % store.laneCount();
    const LaneTrace& trace = store.lane(lane);
    if (m_head->layer < trace.layerCount() && m_head->queryHead < trace.queryHeadCount())
      return HeadAddress{lane, m_head->layer, m_head->queryHead};
  }
  return std::nullopt;
}

void Selection::fillView(const TraceStore& store) {
  if (store.laneCount() == 0) return;
  InspectorLook look = m_look;
  look.fillsView = !m_head || !look.fillsView;
  if (!m_head) setHead(HeadAddress{});
  setLook(look);
}

void Selection::togglePin(int position) {
  std::vector<int> pins = m_pins;
  if (std::erase(pins, position) == 0) pins.push_back(position);
  if (pins.size() > kMostPins) pins.erase(pins.begin());
  assign(m_pins, pins);
}

void Selection::setSought(const std::string& text) {
  assign(m_sought, text);
}

bool Selection::isSought(const LaneTrace& lane, int position) const {
  if (m_sought.empty()) return false;
  const std::string_view text = lane.text(lane.tokens()[static_cast<std::size_t>(position)]);
  const auto small = [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  };
  return !std::ranges::search(text, m_sought, {}, small, small).empty();
}

void Selection::setPosition(std::optional<int> position) {
  assign(m_position, position);
}
void Selection::setHoveredToken(std::optional<TokenAddress> token) {
  assign(m_hoveredToken, token);
}
void Selection::pointAtKvHead(const void* view, std::optional<KvHeadAddress> head) {
  if (!head && m_pointingView != view) return;
  m_pointingView = head ? view : nullptr;
  assign(m_pointedKvHead, head);
}

std::optional<LitHeads> Selection::litHeads(const TraceStore& store, int lane) const {
  if (!m_pointedKvHead || m_pointedKvHead->lane >= store.laneCount()) return std::nullopt;
  const auto shared =
      analysis::sharedHeads(store.lane(m_pointedKvHead->lane).info().config.attention,
                            m_pointedKvHead->kvHead, store.lane(lane).info().config.attention);
  return shared ? std::optional(LitHeads{*shared, m_pointedKvHead->layer}) : std::nullopt;
}

void Selection::setColorMap(ColorMap map) {
  assign(m_colorMap, map);
}
void Selection::setMapScale(MapScale scale) {
  assign(m_mapScale, scale);
}

void Selection::moveHead(const TraceStore& store, int layers, int heads) {
  if (store.laneCount() == 0) return;
  HeadAddress head = m_head.value_or(HeadAddress{});
  const LaneTrace& lane = store.lane(head.lane);
  if (m_head) {
    head.layer = std::clamp(head.layer + layers, 0, lane.layerCount() - 1);
    head.queryHead = std::clamp(head.queryHead + heads, 0, lane.queryHeadCount() - 1);
  }
  setHead(head);
}

void Selection::nextLane(const TraceStore& store) {
  if (!m_head || store.laneCount() == 0) return;
  HeadAddress head = *m_head;
  head.lane = (head.lane + 1) % store.laneCount();
  const LaneTrace& lane = store.lane(head.lane);
  head.layer = std::min(head.layer, lane.layerCount() - 1);
  head.queryHead = std::min(head.queryHead, lane.queryHeadCount() - 1);
  setHead(head);
}

void Selection::movePosition(const TraceStore& store, int by) {
  const int last = store.length() - 1;
  if (last < 0) return;
  const int position = std::clamp(m_position.value_or(last) + by, 0, last);
  setPosition(position == last && by > 0 ? std::nullopt : std::optional(position));
}

int Selection::positionIn(const TraceStore& store, int lane) const {
  const int last = store.lane(lane).length() - 1;
  return m_position ? std::min(*m_position, last) : last;
}

bool Selection::isAtOnePosition(const TraceStore& store) const {
  int least = std::numeric_limits<int>::max();
  int most = -1;
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    least = std::min(least, positionIn(store, lane));
    most = std::max(most, positionIn(store, lane));
  }
  return most - least <= 1;
}

void Selection::wantRows(const RowRequest& rows) {
  RowRequest& last = m_wantedRows[rows.slot];
  if (last == rows) return;
  last = rows;
  emit rowsWanted(rows);
}

void Selection::clampTo(const TraceStore& store) {
  // A lane keeps its head where it moves to.
  const auto clamped = [&store](std::optional<HeadAddress> head) -> std::optional<HeadAddress> {
    if (!head) return std::nullopt;
    const auto moved = std::ranges::find(store.origins(), head->lane, &LaneOrigin::lane);
    head->lane = static_cast<int>(moved - store.origins().begin());
    const bool isInside = moved != store.origins().end() &&
                          head->layer < store.lane(head->lane).layerCount() &&
                          head->queryHead < store.lane(head->lane).queryHeadCount();
    return isInside ? head : std::nullopt;
  };
  InspectorLook look = m_look;
  look.beside = clamped(look.beside);
  // Told once, when both hold.
  const bool isOther = std::exchange(m_look, look) != look;
  const std::optional<HeadAddress> head = clamped(m_head);
  if (head != m_head) {
    setHead(head);
  } else if (isOther) {
    emit changed();
  }
  const bool textStays = std::ranges::any_of(store.origins(), &LaneOrigin::asItIs);
  if (!textStays) {
    setPosition(std::nullopt);
    assign(m_pins, {});
  }
  setHoveredToken(std::nullopt);
  pointAtKvHead(m_pointingView, std::nullopt);
}

}  // namespace headroom::session
