#include "app/cli/lane_runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/interrupt.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {
void requireSameVocabulary(const std::vector<Lane>& lanes) {
  for (const Lane& lane : lanes) {
    const int expected = lanes.front().model.config.vocabSize;
    if (lane.model.config.vocabSize == expected) continue;
    throw model::Error(fmt::format("Lockstep needs one vocabulary: {} has {} tokens, {} has {}",
                                   lanes.front().model.path, expected, lane.model.path,
                                   lane.model.config.vocabSize));
  }
}

bool isEndToken(const Lane& lane, int token) {
  return lane.model.tokenizer && lane.model.tokenizer->endsText(token);
}

/// Why a lane cannot be fed `token` now; nothing when it can.
std::optional<StopReason> reasonToStop(const Lane& lane, int token, int maxTokens) {
  if (std::ssize(lane.tokens) >= maxTokens) return StopReason::MaxTokens;
  if (isEndToken(lane, token)) return StopReason::EndToken;
  if (lane.decoder->position() >= lane.decoder->options().contextLength) return StopReason::ContextFull;
  return std::nullopt;
}

/// Attention rows that no recorder keeps are read back, as their cost is to be measured, and let go.
std::vector<model::StepRecord> run(Lane& lane, std::span<const int> tokens, const model::Capture& capture) {
  if (lane.recorder) return lane.recorder->run(*lane.decoder, tokens);
  auto records = lane.decoder->run(tokens, capture);
  for (model::StepRecord& record : records) record.attention = {};
  return records;
}

void feed(Lane& lane, int token, int ownChoice, const model::Capture& capture) {
  if (token != ownChoice && !lane.firstDivergence)
    lane.firstDivergence = static_cast<int>(lane.tokens.size());
  auto records = run(lane, std::span(&token, 1), capture);
  lane.tokens.push_back(token);
  std::move(records.begin(), records.end(), std::back_inserter(lane.steps));
}
void stopAll(std::vector<Lane>& lanes, StopReason reason) {
  for (Lane& lane : lanes) {
    if (!lane.stopReason) lane.stopReason = reason;
  }
}

std::size_t mostTokens(const std::vector<Lane>& lanes) {
  std::size_t most = 0;
  for (const Lane& lane : lanes) most = std::max(most, lane.tokens.size());
  return most;
}
}  // namespace

std::string_view shortName(StopReason reason) {
  switch (reason) {
    case StopReason::MaxTokens:
      return "max_tokens";
    case StopReason::EndToken:
      return "end_token";
    case StopReason::ContextFull:
      return "context_full";
    case StopReason::Failed:
      return "failed";
    case StopReason::Interrupted:
      return "interrupted";
  }
  return "";
}

void runLanes(std::vector<Lane>& lanes, const RunOptions& options, const TokenCallback& onToken) {
  const bool lockstep = options.coupling == Coupling::Lockstep;
  if (lockstep) requireSameVocabulary(lanes);
  std::vector<int> choices(lanes.size());
  try {
    for (Lane& lane : lanes) lane.prefill = run(lane, lane.promptTokens, options.capture);
    const auto isRunning = [](const Lane& lane) { return !lane.stopReason; };
    while (std::any_of(lanes.begin(), lanes.end(), isRunning)) {
      if (interrupted()) {
        throw model::Cancelled(
            fmt::format("Interrupted after {} of {} tokens", mostTokens(lanes), options.maxTokens));
      }
      for (std::size_t i = 0; i < lanes.size(); ++i) {
        if (isRunning(lanes[i])) choices[i] = lanes[i].sampler.pick(lanes[i].decoder->logits());
      }
      for (std::size_t i = 0; i < lanes.size(); ++i) {
        Lane& lane = lanes[i];
        if (!lane.stopReason)
          lane.stopReason = reasonToStop(lane, choices[lockstep ? 0 : i], options.maxTokens);
      }
      // Lanes in lockstep that ended at different lengths would no longer be comparable.
      const auto stopped = std::find_if_not(lanes.begin(), lanes.end(), isRunning);
      if (lockstep && stopped != lanes.end()) {
        for (Lane& lane : lanes) lane.stopReason = stopped->stopReason;
      }
      for (std::size_t i = 0; i < lanes.size(); ++i) {
        if (lanes[i].stopReason) continue;
        const int token = choices[lockstep ? 0 : i];
        feed(lanes[i], token, choices[i], options.capture);
        if (onToken) onToken(i, token);
      }
    }
  } catch (const model::Cancelled&) {
    stopAll(lanes, StopReason::Interrupted);
    throw;
  } catch (const std::exception&) {
    stopAll(lanes, StopReason::Failed);
    throw;
  }
}

}  // namespace headroom::cli
