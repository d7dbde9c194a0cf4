#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/panels/panel.h"

namespace headroom::panels {

/// The lane's text, token by token: whom a token looks at, where the lanes first differ, and what else could
/// have been said.
class TokenTextPanel : public Panel {
 public:
  explicit TokenTextPanel(int lane) : m_lane(lane) {}
  void draw(const PanelContext& context, const Rect& area) override;

 private:
  struct Placed {
    float x = 0.0f;  // relative to the text's top left corner
    float y = 0.0f;
    float width = 0.0f;
    bool wrapped = false;  // begins a line, so its leading space is not drawn
  };

  void place(const PanelContext& context, float width);
  void drawTokens(const PanelContext& context, const Rect& view, ImVec2 origin);
  /// Its words in a frame: it is no text that one could read.
  static void drawEndOfText(const PanelContext& context, const Rect& token);
  void drawMark(const PanelContext& context, const Rect& token);
  void showTokenTip(const PanelContext& context, int position) const;
  void drawCandidates(const PanelContext& context);
  void drawCandidate(const PanelContext& context, const model::RankedToken& candidate, float strongest,
                     const char* note) const;
  /// "probability 0.0123, rank 14 of 4,096"
  static std::string rankText(const session::LaneTrace& lane, const model::RankedToken& token);
  std::vector<float> attentionFrom(const PanelContext& context, int position);

  int m_lane;
  std::vector<Placed> m_placed;
  float m_width = 0.0f;
  const ImFont* m_font = nullptr;
  float m_fontSize = 0.0f;
  std::uint64_t m_run = 0;
  int m_drawnLength = 0;
  int m_candidatesAt = -1;
  // The mean over heads is kept as long as it is the same step's.
  int m_meanPosition = -1;
  std::uint64_t m_meanRun = 0;
  std::vector<float> m_mean;
};

}  // namespace headroom::panels
