#pragma once

#include <array>
#include <span>
#include <string>

#include "core/analysis/rates.h"
#include "core/analysis/traffic_summary.h"
#include "core/model/decoder.h"

namespace headroom::analysis {

/// Steps that "now" is the median of: enough for a steady number, few enough to follow a change.
inline constexpr int kRecentSteps = 32;

/// One decode step of a lane: the bytes of the newest, the median time of the last kRecentSteps, and as its
/// parts the median of each part over those whose stages were timed, all scaled by one factor so that they
/// add up to it: what holds one step up for once is in no part, and what time stamps take is none of a step's
/// time. Every view takes its figures from here: whoever divides one by another gets the third.
struct LaneMeasurement {
  model::ModelConfig config;
  model::DecoderOptions options;
  int stepCount = 0;       ///< that the median is of
  double positions = 0.0;  ///< that the newest step saw

  double stepMs = 0.0;                               ///< wall time
  std::array<double, model::kStageCount> stageMs{};  ///< by the device's time stamps, layers added up
  model::Overhead overhead;                          ///< with the stages it adds up to stepMs
  int timedCount = 0;        ///< steps that the parts are of; 0: none had its stages timed
  double timedStepMs = 0.0;  ///< wall time of these steps: time stamps are not free

  model::Traffic issued;
  model::Traffic logical;
  std::array<std::uint64_t, model::kStageCount> stageIssuedBytes{};
  std::array<std::uint64_t, model::kStageCount> stageLogicalBytes{};
  std::array<int, model::kStageCount> stageDispatchCount{};

  bool measured() const { return stepCount > 0 && stepMs > 0.0; }
  bool hasTimeStamps() const { return stagesMs() > 0.0; }
  /// Whether it ran on the device that the ceilings are of: kernels count what they load, a processor does
  /// not.
  bool ranOnDevice() const { return isCounted(issued); }
  double stagesMs() const;
  int dispatchCount() const;
  /// Of all sequences together.
  double tokensPerSecond() const { return analysis::tokensPerSecond(1, options.batch, stepMs); }
  double impliedGBps() const { return impliedGigabytesPerSecond(logical, stepMs); }
  double kvReuse() const { return kvReuseFactor(issued, logical); }
  /// KV of all bytes read, 0 to 1: of those that bars show, issued ones where they are counted, else logical.
  double kvShareOfReads() const;
  /// Weights and keys and values that one step reads, each once: all of it lies between two reads of the same
  /// byte.
  std::uint64_t workingSetBytes() const { return logical.weightsRead + logical.kvRead; }
};

/// What medians are of, for people: "the last 12 decode steps", and whatever the lane, "at most the last 32
/// decode steps".
std::string recentStepsText(int count);
std::string recentStepsText();

/// `decodeSteps` are steps of one token each, the oldest first; `earlier` those of the same lane up to the
/// newest of them, where these may be too few for one whose stages were timed to be among them.
LaneMeasurement measureLane(const model::ModelConfig& config, const model::DecoderOptions& options,
                            std::span<const model::StepRecord> decodeSteps,
                            std::span<const model::StepRecord> earlier = {});

}  // namespace headroom::analysis
