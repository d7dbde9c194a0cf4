#pragma once

#include <optional>

#include "app/panels/panel.h"
#include "app/panels/row_requests.h"

namespace headroom::panels {

/// One head as lines between two columns of tokens: from each token that looks, at the left, to those that it
/// looks at. The wheel moves through the text; a token under the mouse shows its lines alone, with their
/// attention.
class AttentionLinesView {
 public:
  AttentionLinesView(const char* id, RowPurpose purpose) : m_id(id), m_purpose(purpose) {}

  void draw(const PanelContext& context, const session::HeadAddress& head, const Rect& area);
  bool isPointedAt() const { return m_isPointedAt; }

 private:
  /// Positions that have a line of their own, and where these lie.
  struct Rows {
    int first = 0;
    int count = 0;
    float top = 0.0f;
    float height = 0.0f;
    bool hasEarlier = false;  ///< a line before the first stands for all positions before it

    float centreOf(int position) const {
      return top + (static_cast<float>(position - first + (hasEarlier ? 1 : 0)) + 0.5f) * height;
    }
    float centreOfEarlier() const { return top + 0.5f * height; }
  };
  enum class Side { Looks, IsLookedAt };
  struct Pointed {
    int position = 0;
    Side side = Side::Looks;
  };

  Rows rows(const PanelContext& context, const session::LaneTrace& lane, int position, const Rect& area);
  std::optional<Pointed> handleMouse(const PanelContext& context, const session::HeadAddress& head,
                                     const Rect& area, const Rows& rows);
  void drawTokens(const PanelContext& context, const session::HeadAddress& head, const Rect& area,
                  const Rows& rows, const std::optional<Pointed>& pointed) const;
  /// Of one token that looks; false where its row is not there in full.
  bool drawLines(const PanelContext& context, const session::HeadAddress& head, const Rect& area,
                 const Rows& rows, int query, const std::optional<Pointed>& pointed) const;

  const char* m_id;
  RowPurpose m_purpose;
  int m_back = 0;  // positions from the step looked at that the wheel went back
  int m_position = -1;
  bool m_isPointedAt = false;
};

}  // namespace headroom::panels
