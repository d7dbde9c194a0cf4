#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/panels/panel.h"
#include "app/panels/text_unit.h"

namespace headroom::panels {

/// Between the words of the mark "end of text" and its frame, in device-independent pixels.
inline constexpr float kMarkPadding = 5.0f;

/// A stretch of the text on a line, from the text's top left corner.
struct TokenUnit : TextUnit {
  float y = 0.0f;
  std::size_t firstBox = 0;
  std::size_t endBox = 0;
  int firstPosition = 0;            ///< of the token that its first byte belongs to
  std::size_t firstOffset = 0;      ///< bytes of that token before it
  bool followsRightToLeft = false;  ///< of its first character, as in session::TextCluster
  bool mayBeginLine = false;        ///< so that placing can begin anew there
  bool leadsToken = false;          ///< the space in front of what else the token is
  bool isMark = false;              ///< the words of "end of text": no text that one could read
};

/// The place of a token within a unit. Tokens that make up a character together have a part of it each; one
/// that is on two lines or in two directions has several.
struct TokenBox {
  int position = 0;
  std::size_t unit = 0;
  float left = 0.0f;  ///< from the unit's left
  float width = 0.0f;
};

/// Where the tokens of a lane stand: their bytes as text, each character whole, whichever tokens it is made
/// of, in lines. What more text cannot change is placed once.
class TokenLayout {
 public:
  /// Places what was appended to the lane's text, or all of it where anything else changed.
  void place(const PanelContext& context, const session::LaneTrace& lane, float width);

  std::span<const TokenUnit> units() const { return m_units; }
  std::span<const TokenBox> boxes() const { return m_boxes; }
  /// Of the line where the token begins.
  float lineTop(int position) const;
  /// The first of the units that have a part of the token.
  std::size_t firstUnit(int position) const { return m_firstUnit[static_cast<std::size_t>(position)]; }
  /// Of all lines.
  float height() const;
  float lineHeight() const { return m_lineHeight; }
  /// Counts how often all was placed anew, so that the end is elsewhere.
  int generation() const { return m_generation; }
  /// The characters that a token makes up together with its neighbours; empty where it is whole by itself.
  std::string sharedCharacter(const session::LaneTrace& lane, int position) const;

 private:
  /// Where a line begins with a token, so that placing can begin anew there.
  struct LineStart {
    int position = 0;
    std::size_t unitCount = 0;
    std::size_t boxCount = 0;
    float y = 0.0f;
    bool followsRightToLeft = false;
    bool wrapped = false;
  };
  /// Consecutive tokens with known bytes.
  struct Stretch {
    int first = 0;
    std::string bytes;
    std::vector<std::size_t> starts;  // [token], and the end of the last
    std::vector<session::TextCluster> clusters;

    int tokenAt(std::size_t byte) const;
  };

  /// The token from which on all is placed anew.
  const LineStart& restart();
  void placeMark(const session::LaneTrace& lane, int position, float padding);
  static Stretch stretchFrom(const session::LaneTrace& lane, int position, bool followsRightToLeft);
  /// Gives the first token of the first unit that more text could change.
  int placeStretch(const PanelContext& context, const session::LaneTrace& lane, const Stretch& stretch);
  /// The cluster behind the token that begins at clusters[first], where ImGui draws all of it and no other
  /// token has a part of it; else `first`.
  std::size_t endOfPlainToken(const Stretch& stretch, std::size_t first) const;
  /// The parts of its tokens. May widen it, so that each can be pointed at.
  std::vector<TokenBox> divide(const PanelContext& context, const Stretch& stretch, TokenUnit& unit) const;
  /// Puts `unit` behind the last, on a new line where it does not fit.
  void add(TokenUnit unit, std::vector<TokenBox> boxes);
  /// How a line begins with a unit; none within a token.
  static std::optional<LineStart> lineStartAt(const TokenUnit& unit);
  void beginLine(LineStart start);
  /// Takes away the space that the last unit is, where it leads the token at `position`; gives how a line
  /// begins there instead.
  std::optional<LineStart> takeSpaceOf(int position);
  void breakLine();
  void orderLine();

  const ImFont* m_font = nullptr;
  float m_fontSize = 0.0f;
  float m_width = 0.0f;
  float m_lineHeight = 1.0f;
  float m_least = 1.0f;  // width of a box
  std::uint64_t m_run = 0;
  int m_generation = 0;
  int m_length = 0;   // tokens placed
  int m_settled = 0;  // tokens that stand in units that more text cannot change
  float m_x = 0.0f;
  float m_y = 0.0f;
  bool m_wrapped = false;  // the line begins with a token whose leading space is left out
  std::vector<TokenUnit> m_units;
  std::vector<TokenBox> m_boxes;
  std::vector<std::size_t> m_firstUnit;  // [position]
  std::vector<LineStart> m_lineStarts;   // ascending
  std::size_t m_lineUnit = 0;            // first unit of the line
};

}  // namespace headroom::panels
