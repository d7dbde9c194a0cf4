#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/analysis/copying_score.h"
#include "core/analysis/head_survey.h"
#include "core/evaluation/survey_watch.h"
#include "core/model/decoder.h"
#include "core/model/model.h"

namespace headroom::evaluation {

/// The text that tells induction heads: random tokens, said again and again.
struct RepeatedTokens {
  int length = 60;  ///< tokens of a copy
  int copies = 2;
  unsigned seed = 1;
  int draws = 5;                       ///< such texts, of seeds from `seed` on: scores of one draw differ
  int firstId = 0;                     ///< tokens are drawn from [firstId, endId), each as likely
  int endId = 0;                       ///< 0: the vocabulary's end
  std::optional<int> startToken = {};  ///< before the first copy

  bool operator==(const RepeatedTokens&) const = default;
};
/// The tokens of a draw, each once in a copy; throws model::Error where there are too few ids, tokens or
/// copies.
std::vector<int> tokensOf(const RepeatedTokens& repeated, int vocabSize, int draw = 0);

/// What a survey knows of the weights of the model that the decoder runs.
struct SurveyedWeights {
  /// Null: no copying scores, write shares and sizes, and no cosines of head outputs.
  const model::Model* model = nullptr;
  /// Copying scores that take more are left out, see analysis::copyingOperations().
  double mostCopyingOperations = analysis::kMostCopyingOperations;
};

/// Reads the repeated tokens, then `text`, by windows as long as the decoder's context, and keeps nothing of
/// the maps, and of what is captured besides, but sums; then computes what follows from the weights. Every
/// sequence of the decoder is left empty. When it is stopped, what was read counts. What could not be
/// computed is in the survey's omissions, with the reason. Throws model::Error when the decoder cannot run
/// it, or the repeated tokens do not fit the context.
analysis::HeadSurvey surveyHeads(model::Decoder& decoder, std::span<const int> text,
                                 const RepeatedTokens& repeated, const StopRequest& stop,
                                 const SurveyProgress& progress, const SurveyedWeights& weights = {});

}  // namespace headroom::evaluation
