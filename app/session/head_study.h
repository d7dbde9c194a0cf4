#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "app/session/lane.h"
#include "core/analysis/head_survey.h"
#include "core/evaluation/ablation_survey.h"
#include "core/evaluation/head_survey.h"
#include "core/lanes/lane_opener.h"

namespace headroom::session {

/// The text that heads are studied on.
struct StudyText {
  std::string name;  ///< of a file, for people; empty: what each lane has read
  std::string text;  ///< of the file

  bool ofLanes() const { return name.empty(); }
};

/// Asks what all heads of all lanes attend to.
struct HeadStudy {
  StudyText text;
  evaluation::RepeatedTokens repeated;
};

/// What was found out of the heads of one lane.
struct HeadReport {
  LaneRequest lane;
  std::string title;
  model::ModelConfig config;
  std::string deviceName;
  std::string textName;     ///< as StudyText::name
  std::vector<int> tokens;  ///< of the text
  evaluation::RepeatedTokens repeated;
  analysis::HeadSurvey survey;
  std::vector<analysis::LayerSubspaces> weights;  ///< of W_K and W_V; see analysis::hasSubspaces()
};

/// Asks how much worse the model of a report predicts its text without heads, one after the other.
struct LossStudy {
  HeadReport report;
  /// What is known: the baseline, and what the heads that were asked about before have given.
  evaluation::AblationSurvey known;
  std::vector<evaluation::AblatedHead> heads;
};

/// What was found, so far.
struct LossReport {
  LaneRequest lane;
  evaluation::AblationSurvey losses;
};

/// What a study tells and asks. Progress is told with every block that was read.
struct StudyEvents {
  std::function<void(const Studying& how)> progress;
  evaluation::StopRequest stop;
};

/// Reads the tokens of `text`, and the repeated ones, with a decoder of its own for the lane, beside the lane
/// and without its ablations. `read` are the tokens that the lane has been fed. Throws model::Error where
/// there is no model, text or memory.
HeadReport studyHeads(lanes::LaneOpener& opener, const LaneRequest& lane, const lanes::LaneEngine& engine,
                      const std::vector<int>& read, const HeadStudy& study, const StudyEvents& events);

/// Gives changes of heads of `lane` that want a mean and have none that over `read`, the tokens that the lane
/// has been fed, likewise. Throws as studyHeads(), and model::Cancelled when it was stopped.
void measureMeans(lanes::LaneOpener& opener, LaneRequest& lane, std::span<const int> read,
                  const StudyEvents& events);

/// The losses of the report's text, likewise. `told` is told after each head. Throws as studyHeads().
evaluation::AblationSurvey studyLosses(lanes::LaneOpener& opener, LossStudy study,
                                       const std::function<void(const evaluation::AblationSurvey&)>& told,
                                       const StudyEvents& events);

}  // namespace headroom::session
