#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/analysis/head_divergence.h"
#include "core/analysis/head_scores.h"
#include "core/analysis/subspaces.h"

namespace headroom::analysis {

/// What all heads of a model attend to.
struct HeadSurvey {
  struct Head {
    int layer = 0;
    int queryHead = 0;
    int kvHead = 0;
    HeadScores scores;
    double induction = 0.0;           ///< mean over draws of repeated tokens
    double inductionDeviation = 0.0;  ///< standard deviation of the draws; 0 of one
  };
  std::vector<Head> heads;      ///< by layer, then by head
  HeadDivergences divergences;  ///< between heads of a layer
  std::vector<LayerSubspaces>
      cached;                  ///< keys and values as they lay in the cache, by layer; see hasSubspaces()
  std::int64_t positions = 0;  ///< behind the first of each window: what the scores are means over
  int windows = 0;             ///< parts of the text that were begun, each from an empty cache
  bool isWhole = false;        ///< not stopped: the text was read to its end, and the repeated tokens
};

/// A number of each head.
struct HeadColumn {
  const char* name;     ///< in JSON, CSV and on the command line
  const char* title;    ///< for people
  const char* formula;  ///< a: attention of position i to position j
  const char* meaning;  ///< a sentence, with its source
  double (*of)(const HeadSurvey::Head& head);
};
std::span<const HeadColumn> headColumns();

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

/// "layer,head,kv_head,entropy,...", and a head's line of it; without the end of the line.
std::string headCsvTitles();
std::string headCsvLine(const HeadSurvey::Head& head);

}  // namespace headroom::analysis
