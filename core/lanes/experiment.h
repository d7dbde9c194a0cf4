#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/lanes/lane.h"
#include "core/lanes/lane_set.h"
#include "core/lanes/prompt.h"
#include "core/model/sampler.h"

namespace headroom::lanes {

/// Everything that decides what lanes decode; the same experiment on the same device gives the same texts.
struct Experiment {
  /// Of a file as it is read or written, paths are absolute.
  std::vector<LaneRequest> lanes;
  std::string prompt;
  PromptForm promptForm = PromptForm::Text;
  model::SamplingOptions sampling;
  double tokensPerSecond = 0.0;  ///< 0: as fast as the device can
  TokenFeed feed = TokenFeed::Lockstep;
  int fill = 0;  ///< positions that a start fills with the prompt's text again and again; 0: the prompt once
  WhenTextEnds whenTextEnds = WhenTextEnds::Stop;

  bool operator==(const Experiment&) const = default;
};

/// The lowest lane colour that none of the lanes has.
int freeColor(const std::vector<LaneRequest>& lanes);

inline constexpr std::string_view kExperimentFormat = "headroom-experiment";
inline constexpr int kExperimentVersion = 1;
inline constexpr std::string_view kExperimentEnding = ".headroom";

/// Whether the path has an experiment's ending.
bool isExperiment(const std::string& path);

/// docs/experiment-format.md says what is in the file. Models are looked for beside the file first, as it
/// names them relative to itself, then under their absolute paths; whether they are there is for those to say
/// who open them. Throws model::Error, one sentence with the path, what is there and what was expected.
Experiment readExperiment(const std::string& path);
/// The same of the file's text; `path` is where it would lie.
Experiment parseExperiment(std::string_view text, const std::string& path);

/// Atomic. Throws model::Error when the file cannot be written, or a model's path is no UTF-8.
void writeExperiment(const Experiment& experiment, const std::string& path);

/// The same document for a place without a path, as the settings are. Models that are there have their
/// absolute paths, others the names that they have; bytes that are no UTF-8 are replaced.
std::string keptText(const Experiment& experiment);
/// Sources are as they were kept. Throws as parseExperiment().
Experiment parseKept(std::string_view text);

}  // namespace headroom::lanes
