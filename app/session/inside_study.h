#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/session/head_study.h"

namespace headroom::session {

/// What a lane has read, and the position in it that is looked at.
struct ReadText {
  LaneRequest lane;
  /// Tokens that the lane was fed, then, where it has chosen one, the token that it chose to follow them.
  std::vector<int> tokens;
  int fed = 0;       ///< how many of them it was fed
  int position = 0;  ///< below `fed`

  /// The token behind a position, -1 where none is known.
  int nextOf(int at) const {
    const auto next = static_cast<std::size_t>(at) + 1;
    return next < tokens.size() ? tokens[next] : -1;
  }
};

/// Asks what the model would say at each position if it ended before a layer (evaluation::readLens).
struct LensStudy {
  /// Up to the position looked at, which is the last of them.
  static constexpr int kMostPositions = 64;
  static constexpr int kTokens = 5;

  ReadText text;
};

/// The residual stream of a position before a layer, or after the last, read off.
struct LensCell {
  std::vector<model::Candidate> top;  ///< LensStudy::kTokens, the most likely first; empty: not read
  float entropy = 0.0f;               ///< nats
  int nextRank = 0;  ///< of the token that came next, 1 the most likely; 0 where none is known
  double nextProbability = 0.0;
};

struct LensReport {
  ReadText text;
  std::string title;       ///< of the lane
  std::string deviceName;  ///< that computed the residual stream
  int layerCount = 0;
  int first = 0;                ///< position of column 0; the last is that looked at
  std::vector<LensCell> cells;  ///< [layerCount + 1][positions], before each layer and after the last
  bool isWhole = false;         ///< false when it was stopped: layers behind are empty

  int positions() const { return text.position + 1 - first; }
  const LensCell& at(int layer, int position) const {
    return cells[static_cast<std::size_t>(layer * positions() + position - first)];
  }
};

/// Whether it was stopped before anything was known.
inline bool isEmpty(const LensReport& report) {
  return report.cells.empty() || report.cells.front().top.empty();
}

/// What can be asked of the inside of a lane's model, and what is answered.
using InsideStudy = std::variant<LensStudy>;
using InsideReport = std::variant<LensReport>;

/// Reads the text with a decoder of its own, beside the lane, whose heads are changed as the lane's are.
/// Throws model::Error where there is no model, text or memory.
LensReport studyInside(lanes::LaneOpener& opener, const LensStudy& study, const StudyEvents& events);

}  // namespace headroom::session
