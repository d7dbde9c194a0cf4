#pragma once

#include <QObject>
#include <map>
#include <optional>

#include "app/session/color_map.h"
#include "app/session/trace_store.h"
#include "core/analysis/shared_heads.h"

namespace headroom::session {

struct HeadAddress {
  int lane = 0;
  int layer = 0;
  int queryHead = 0;

  bool operator==(const HeadAddress&) const = default;
};

struct TokenAddress {
  int lane = 0;
  int position = 0;

  bool operator==(const TokenAddress&) const = default;
};

/// A KV head of every layer, or of one.
struct KvHeadAddress {
  int lane = 0;
  int kvHead = 0;
  std::optional<int> layer = {};

  bool operator==(const KvHeadAddress&) const = default;
};

/// The heads of a lane that are lit, in every layer or in one.
struct LitHeads {
  analysis::SharedHeads heads;
  std::optional<int> layer;

  bool isLayer(int candidate) const { return layer.value_or(candidate) == candidate; }
};

/// What is changed at once: a query head, or a KV head with every query head that reads it.
enum class SwitchedHeads { QueryHead, KvHead };

/// Asks that heads give something else to W_O from now on.
struct ChangeRequest {
  HeadAddress head;
  SwitchedHeads heads = SwitchedHeads::QueryHead;
  std::optional<model::HeadChange> change;  ///< of any head; none: what they compute
};

/// What the user looks at, shared by every view. The values may outlive the text they point into; the
/// functions that take a TraceStore clamp them.
class Selection : public QObject {
  Q_OBJECT

 public:
  explicit Selection(QObject* parent = nullptr) : QObject(parent) {}

  /// The head in the inspector; none: the inspector is closed and token tints show the mean of all heads.
  const std::optional<HeadAddress>& head() const { return m_head; }
  void setHead(std::optional<HeadAddress> head);
  /// Moves by whole heads and layers, and opens the inspector where it was closed.
  void moveHead(const TraceStore& store, int layers, int heads);
  void nextLane(const TraceStore& store);

  /// The step looked back at; none: the newest.
  const std::optional<int>& position() const { return m_position; }
  void setPosition(std::optional<int> position);
  void movePosition(const TraceStore& store, int by);
  /// The position whose step every view of `lane` shows, -1 while there is none.
  int positionIn(const TraceStore& store, int lane) const;
  /// Whether it is the same in all lanes, or one step apart as while a step is under way.
  bool isAtOnePosition(const TraceStore& store) const;

  const std::optional<TokenAddress>& hoveredToken() const { return m_hoveredToken; }
  void setHoveredToken(std::optional<TokenAddress> token);

  /// The KV head under the mouse, which every view lights with what reads it. `view` is who says so: one that
  /// the mouse has left takes back only what it said itself.
  const std::optional<KvHeadAddress>& pointedKvHead() const { return m_pointedKvHead; }
  void pointAtKvHead(const void* view, std::optional<KvHeadAddress> head);
  /// What lights up in `lane`; nothing while no KV head is pointed at.
  std::optional<LitHeads> litHeads(const TraceStore& store, int lane) const;

  ColorMap colorMap() const { return m_colorMap; }
  void setColorMap(ColorMap map);
  MapScale mapScale() const { return m_mapScale; }
  void setMapScale(MapScale scale);

  /// Asks for full rows once: the same request again is not repeated.
  void wantRows(const RowRequest& rows);

  /// Asks for what can be done with a head's map, where the mouse is.
  void askForHeadMenu(const HeadAddress& head) { emit headMenuWanted(head); }

  /// Asks to take the head away, or to bring it back.
  void askToSwitch(const HeadAddress& head, SwitchedHeads heads) { emit switchWanted(head, heads); }
  void askToChange(const ChangeRequest& request) { emit changeWanted(request); }

  /// After other lanes came: what pointed to a lane goes with it, and is dropped where that is no more.
  void clampTo(const TraceStore& store);

 signals:
  void changed();
  /// Somebody looks at rows that are pooled or no longer there.
  void rowsWanted(const headroom::session::RowRequest& rows);
  void headMenuWanted(const headroom::session::HeadAddress& head);
  void switchWanted(const headroom::session::HeadAddress& head, headroom::session::SwitchedHeads heads);
  void changeWanted(const headroom::session::ChangeRequest& request);

 private:
  template <typename Value>
  void assign(Value& member, const Value& value);

  std::optional<HeadAddress> m_head;
  std::optional<int> m_position;
  std::optional<TokenAddress> m_hoveredToken;
  std::optional<KvHeadAddress> m_pointedKvHead;
  const void* m_pointingView = nullptr;
  ColorMap m_colorMap = analysis::MapLook{}.colors;
  MapScale m_mapScale = analysis::MapLook{}.scale;
  std::map<int, RowRequest> m_wantedRows;  // by slot, what was asked for last
};

}  // namespace headroom::session
