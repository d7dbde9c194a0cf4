#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/session/head_study.h"
#include "app/session/patch_study.h"

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

/// Asks what each part of a model adds to the logit of a token (evaluation::attributeLogit), at the position
/// looked at.
struct AttributionStudy {
  ReadText text;
  int token = -1;  ///< whose logit; -1: of the most likely one there
  /// Whose logit is taken away from it, where there is one: an id, else, where it is not empty, what somebody
  /// typed.
  std::optional<int> other = {};
  std::string otherText = {};
};

/// What a part of a model adds to a logit.
struct AddedPart {
  enum class Kind { Embedding, Head, AttentionBias, Mlp, OutputBias };

  Kind kind = Kind::Embedding;
  int layer = -1;      ///< -1: of no layer
  int queryHead = -1;  ///< of a head, as the next
  int kvHead = -1;
  double contribution = 0.0;
};

struct AttributionReport {
  ReadText text;
  std::string title;       ///< of the lane
  std::string deviceName;  ///< that computed the residual stream
  int token = 0;
  std::optional<int> other;
  std::vector<AddedPart> parts;  ///< the largest first, whatever their signs; no bias that adds nothing
  double total = 0.0;            ///< the logit, or the difference, before a soft cap: the sum of the parts
  float softCap = 0.0f;          ///< 0: none
  bool isWhole = true;

  /// Of any part, without its sign.
  double largest() const;
};

/// Whether it was stopped before anything was known.
inline bool isEmpty(const LensReport& report) {
  return report.cells.empty() || report.cells.front().top.empty();
}
inline bool isEmpty(const AttributionReport& report) {
  return report.parts.empty();
}

/// What can be asked of the inside of a lane's model, and what is answered.
using InsideStudy = std::variant<LensStudy, AttributionStudy, PatchStudy>;
using InsideReport = std::variant<LensReport, AttributionReport, PatchReport>;

/// Reads the text with a decoder of its own, beside the lane, whose heads are changed as the lane's are.
/// Throws model::Error where there is no model, text or memory.
LensReport studyInside(lanes::LaneOpener& opener, const LensStudy& study, const StudyEvents& events);
/// Likewise; throws also where what was typed is not one token.
AttributionReport studyInside(lanes::LaneOpener& opener, const AttributionStudy& study,
                              const StudyEvents& events);

}  // namespace headroom::session
