#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/attention_recorder.h"
#include "core/model/decoder.h"
#include "core/model/model.h"
#include "core/model/sampler.h"

namespace headroom::cli {

enum class StopReason { MaxTokens, EndToken, ContextFull, Failed, Interrupted };
std::string_view shortName(StopReason reason);

/// One model decoding, and what came of it so far.
struct Lane {
  model::Model model;
  std::unique_ptr<model::Decoder> decoder;
  model::Sampler sampler;
  std::vector<int> promptTokens;
  double setupMs = 0.0;                              ///< making the decoder: device, weights, kernels
  std::unique_ptr<AttentionRecorder> recorder = {};  ///< null when no attention is kept
  std::vector<int> tokens = {};                      ///< fed after the prompt
  std::vector<model::StepRecord> prefill = {};       ///< one per block; records come without attention
  std::vector<model::StepRecord> steps = {};         ///< one per entry of tokens
  std::optional<int> firstDivergence = {};           ///< index into tokens where its own choice was another
  std::optional<StopReason> stopReason = {};         ///< empty while it runs
};

enum class Coupling {
  FreeRun,   ///< each lane is fed what it samples
  Lockstep,  ///< all lanes are fed what lane 1 samples
};

struct RunOptions {
  Coupling coupling = Coupling::FreeRun;
  int maxTokens = 64;
  model::Capture capture;
};

/// Called with the index of the lane and the token after each step.
using TokenCallback = std::function<void(std::size_t lane, int token)>;

/// Feeds the prompts, then decodes until every lane has a stop reason. In lockstep the lanes stop together.
/// Throws model::Error when a decoder fails and model::Cancelled when the user interrupts it; the lanes then
/// hold everything up to that step.
void runLanes(std::vector<Lane>& lanes, const RunOptions& options, const TokenCallback& onToken);

}  // namespace headroom::cli
