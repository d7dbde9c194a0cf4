#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "core/analysis/head_pairs.h"
#include "core/analysis/head_scores.h"
#include "core/analysis/subspaces.h"

namespace headroom::analysis {

/// What a number of a head is that was not computed, or that it does not have: NaN.
inline constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

/// What all heads of a model attend to, and what they write.
struct HeadSurvey {
  struct Head {
    int layer = 0;
    int queryHead = 0;
    int kvHead = 0;
    HeadScores scores;
    double induction = 0.0;           ///< mean over draws of repeated tokens
    double inductionDeviation = 0.0;  ///< standard deviation of the draws; 0 of one
    double copying = kNotKnown;       ///< see copyingScores(), of the weights alone
    double writeShare = kNotKnown;    ///< LayerOutputs::shares
    double writeSize = kNotKnown;     ///< LayerOutputs::sizes over the root mean square of |x(t)|, where x is
                                      ///< the residual stream that it is added to
  };
  /// Something that was not computed, and a sentence why.
  struct Omission {
    const char* name;  ///< of a column, or as the command line calls it
    std::string reason;
  };
  std::vector<Head> heads;  ///< by layer, then by head
  HeadPairs divergences;    ///< HeadDivergenceSums::means(), between query heads of a layer
  HeadPairs outputCosines;  ///< LayerOutputs::cosines, between query heads of a layer
  HeadPairs keyCka;         ///< linearCka() of keys as they lay in the cache, between KV heads of a layer
  HeadPairs valueCka;       ///< of values
  std::vector<LayerSubspaces>
      cached;                  ///< keys and values as they lay in the cache, by layer; see hasSubspaces()
  std::int64_t positions = 0;  ///< behind the first of each window: what the scores are means over
  std::int64_t prefixPositions = 0;  ///< those of them whose token stands earlier in the window too
  int windows = 0;                   ///< parts of the text that were begun, each from an empty cache
  bool isWhole = false;              ///< not stopped: the text was read to its end, and all else was computed
  std::vector<Omission> omissions;   ///< each name once
};

/// A number of each head.
struct HeadColumn {
  const char* name;                            ///< in JSON, CSV and on the command line
  const char* title;                           ///< for people
  const char* formula;                         ///< a: attention of position i to position j
  const char* meaning;                         ///< a sentence, with its source
  const char* basis;                           ///< what it is computed from and a mean over
  double (*of)(const HeadSurvey::Head& head);  ///< kNotKnown where the head has none
};
std::span<const HeadColumn> headColumns();
/// The formula, with what its letters are, and the basis: "largest a (a: attention ...); computed from ...".
std::string formulaText(const HeadColumn& column);

/// A kind of head that people look for: which number tells it.
struct HeadKind {
  const char* title;
  const char* purpose;  ///< a sentence
  std::size_t column;   ///< of headColumns()
  bool largestFirst = true;
};
std::span<const HeadKind> headKinds();

/// The head of that kind that shows it most; null without heads.
const HeadSurvey::Head* strongest(const HeadSurvey& survey, const HeadKind& kind);

/// "layer,head,kv_head,entropy,...", and a head's line of it, in which what is not known is empty; without
/// the end of the line.
std::string headCsvTitles();
std::string headCsvLine(const HeadSurvey::Head& head);

}  // namespace headroom::analysis
