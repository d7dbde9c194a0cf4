#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/analysis/traffic_summary.h"
#include "core/model/decoder.h"

namespace headroom::analysis {

/// How long attention took in a step that saw that many positions.
struct AttentionSample {
  double positions = 0.0;
  double milliseconds = 0.0;
};

/// What decoding told of one lane: the mean of its last steps, and how attention grew with the context.
struct LaneMeasurement {
  /// Steps that the mean takes: enough for a steady number, few enough to follow a change.
  static constexpr int kRecentSteps = 32;

  model::ModelConfig config;
  model::DecoderOptions options;
  StepSummary recent;      ///< the last kRecentSteps decode steps
  double positions = 0.0;  ///< that these saw, mean
  std::vector<AttentionSample>
      attention;  ///< of up to 1,024 steps; the whole step's time without time stamps

  bool measured() const { return recent.stepCount > 0 && recent.wallTimeMs > 0.0; }
  bool hasTimeStamps() const { return recent.gpuTimeMs > 0.0; }
  /// Whether it ran on the device that the ceilings are of: kernels count what they load, a processor does
  /// not.
  bool ranOnDevice() const { return isCounted(recent.issued); }
  /// Means of one step.
  double perStep(double sum) const { return recent.perStep(sum); }
  double wallMs() const { return perStep(recent.wallTimeMs); }
  /// Of all sequences together.
  double tokensPerSecond() const {
    return analysis::tokensPerSecond(recent.stepCount, options.batch, recent.wallTimeMs);
  }
  /// Weights and keys and values that one step reads, each once: all of it lies between two reads of the same
  /// byte.
  std::uint64_t workingSetBytes() const;
};

/// "the last 32 decode steps": what the means are of, for people.
std::string recentStepsText();

/// `decodeSteps` are steps of one token each, the oldest first.
LaneMeasurement measureLane(const model::ModelConfig& config, const model::DecoderOptions& options,
                            std::span<const model::StepRecord> decodeSteps);

}  // namespace headroom::analysis
