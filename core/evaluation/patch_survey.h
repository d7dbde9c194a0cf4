#pragma once

#include <span>
#include <vector>

#include "core/evaluation/survey_watch.h"
#include "core/model/model.h"

namespace headroom::evaluation {

/// What of the clean run is copied into the corrupt one.
enum class PatchPlace {
  Heads,     ///< the output of a query head of a layer before W_O, at every position
  Residual,  ///< the residual stream before a layer, or after the last, at one position
};

/// Two texts of as many tokens, and two tokens of which the model chooses one after the clean text.
struct PatchQuestion {
  std::vector<int> clean;
  std::vector<int> corrupt;
  int answer = 0;
  int otherAnswer = 0;
};

/// How much each part of a model carries of what tells two texts apart. A logit difference is the logit of
/// `answer` less that of `otherAnswer` after the last token.
struct PatchSurvey {
  double cleanDifference = 0.0;
  double corruptDifference = 0.0;
  /// The logit difference of the corrupt text with the copy, less that without: 0 where the copy changes
  /// nothing, cleanDifference - corruptDifference where it restores all. [layers][query heads], or
  /// [layers + 1][tokens]; shorter when it was stopped.
  std::vector<double> effects;
  int columns = 0;  ///< query heads, or tokens
  bool isWhole = false;
};

/// Told how many copies of how many were made.
using PatchProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Computed in float64 on the processor, whatever devices there are: decoders there give heads no other
/// outputs for each position of a block, and the residual stream none at all. `contextLength` as in
/// model::DecoderOptions. Throws model::Error for texts that have no token, not as many as each other, or too
/// many, and for tokens that are not the model's.
PatchSurvey surveyPatches(const model::Model& model, const PatchQuestion& question, PatchPlace place,
                          int contextLength, const StopRequest& stop, const PatchProgress& progress);

}  // namespace headroom::evaluation
