#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/attention_recorder.h"
#include "core/lanes/lane_set.h"

namespace headroom::cli {

/// What came of one lane besides its text, which the LaneSet has.
struct LaneRun {
  std::string path;                                  ///< of its model
  double setupMs = 0.0;                              ///< making the decoder: device, weights, kernels
  std::unique_ptr<AttentionRecorder> recorder = {};  ///< null when no attention is kept
  std::vector<model::StepRecord> prefill = {};       ///< one per block; records come without attention
  std::vector<model::StepRecord> steps = {};         ///< one per token behind the prompt
  std::optional<int> disagreement = {};  ///< index behind the prompt where its own choice was another
  int choice = -1;                       ///< of the last step

  /// Keeps what a step did.
  void keep(lanes::LaneStep step);
};

/// Feeds the texts of all lanes. Throws what stopped a lane, and model::Cancelled when the user interrupts
/// it.
void fillTexts(lanes::LaneSet& set);

/// Feeds the prompts, then decodes until every lane has a stop reason. Throws what stopped a lane, and
/// model::Cancelled when the user interrupts it; the lanes then hold everything up to that step.
void runLanes(lanes::LaneSet& set, int maxTokens);

}  // namespace headroom::cli
