#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/panels/panel.h"
#include "app/panels/token_layout.h"

namespace headroom::panels {

/// The lane's text, token by token: whom a token looks at, where the lanes first differ, and what else could
/// have been said.
class TokenTextPanel : public Panel {
 public:
  explicit TokenTextPanel(int lane) : m_lane(lane) {}
  void draw(const PanelContext& context, const Rect& area) override;

 private:
  /// What all tokens of a frame are drawn by.
  struct Look {
    int query = 0;                 ///< the token whose attention is shown
    std::vector<float> attention;  ///< of the query
    float strongest = 1.0f;
    std::optional<int> divergence;
    std::optional<int> untrained;
    bool lockstep = false;
  };
  /// A token's place on the screen.
  struct Shown {
    const TokenBox* box = nullptr;
    const TokenUnit* unit = nullptr;
    Rect area;
    bool isFirst = false;  ///< of the token's places
  };

  Look look(const PanelContext& context);
  /// The places that `view` shows, unit by unit.
  std::vector<Shown> shownIn(const Rect& view, ImVec2 origin) const;
  /// The same from left to right, those of one token side by side as one.
  static std::vector<Shown> joined(std::vector<Shown> places);
  void drawTokens(const PanelContext& context, const Rect& view, ImVec2 origin);
  void drawGround(const PanelContext& context, const Look& look, const Shown& shown) const;
  /// A unit with all its places.
  void drawUnitText(const PanelContext& context, const Look& look, std::span<const Shown> parts) const;
  void drawMarks(const PanelContext& context, const Look& look, const Shown& shown) const;
  session::Color inkOf(const PanelContext& context, const Look& look, int position) const;
  /// Its words in a frame: it is no text that one could read.
  static void drawEndOfText(const PanelContext& context, const Rect& token);
  static void drawMark(const PanelContext& context, const Rect& token);
  void showTokenTip(const PanelContext& context, int position) const;
  void drawCandidates(const PanelContext& context);
  void drawCandidate(const PanelContext& context, const model::RankedToken& candidate, float strongest,
                     const char* note) const;
  /// "probability 0.0123, rank 14 of 4,096"
  static std::string rankText(const session::LaneTrace& lane, const model::RankedToken& token);
  std::vector<float> attentionFrom(const PanelContext& context, int position);

  int m_lane;
  TokenLayout m_layout;
  int m_drawnGeneration = 0;
  int m_drawnLength = 0;
  float m_drawnHeight = 0.0f;
  bool m_drawnFollowing = true;  // the newest step
  int m_candidatesAt = -1;
  // The mean over heads is kept as long as it is the same step's.
  int m_meanPosition = -1;
  std::uint64_t m_meanRun = 0;
  std::vector<float> m_mean;
};

}  // namespace headroom::panels
