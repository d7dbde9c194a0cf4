#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/figures/figure.h"
#include "core/analysis/head_comparison.h"
#include "core/model/config.h"

namespace headroom::figures {

/// What the loss of a text is more without a head.
struct HeadLoss {
  double change = 0.0;         ///< nats per token; 0 within rounding
  double standardError = 0.0;  ///< of the tokens' own differences; NaN of one token
  bool withinRounding = false;
};

/// A lane whose heads were surveyed.
struct SurveyedLane {
  std::string title;
  std::string model;     ///< its name
  std::string device;    ///< that computed it
  std::string text;      ///< what was read, for people: "story.txt"
  std::string repeated;  ///< random tokens said again that induction is of, for people
  analysis::Color color;
  model::AttentionShape attention;
  int layerCount = 0;
  const analysis::HeadSurvey* survey = nullptr;      ///< lives as long as the figure is made
  std::vector<std::optional<HeadLoss>> losses = {};  ///< of each head of the survey, or empty
};

/// "heads of one KV head 0.412 ± 0.113, heads of different KV heads ...": means over pairs with their
/// standard deviation, or why there are none.
std::string pairsSummary(const analysis::HeadSurvey& survey, const analysis::HeadComparison& comparison,
                         const model::AttentionShape& attention);

/// One number of all heads: a map of each lane, a row for each layer, a column for each query head, those
/// that read one KV head below a bracket. Throws model::Error where no head has the number.
Figure headScoresFigure(std::span<const SurveyedLane> lanes, const analysis::HeadColumn& column,
                        const FigureOrigin& origin);

/// The same of what the loss is more without a head. Throws model::Error where of none it is known.
Figure headLossFigure(std::span<const SurveyedLane> lanes, const FigureOrigin& origin);

/// How heads of a layer compare: of each lane a matrix for each layer, or for one. Its table has each pair of
/// different heads once. Throws model::Error where no lane has two heads to compare, or not that layer.
Figure headPairsFigure(std::span<const SurveyedLane> lanes, const analysis::HeadComparison& comparison,
                       std::optional<int> layer, const FigureOrigin& origin);

}  // namespace headroom::figures
