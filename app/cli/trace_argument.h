#pragma once

#include <string>
#include <vector>

#include "app/cli/lane_run.h"
#include "app/cli/output_argument.h"
#include "core/lanes/trace_saving.h"

namespace headroom::cli {

/// --trace and what of the attention it holds.
class TraceArgument {
 public:
  void addOptions(CLI::App& app);

  bool isGiven() const { return m_output.isGiven(); }
  /// Where text for people goes: not where a trace goes.
  std::FILE* messages() const;

  /// Checks everything that can be checked before a lane decodes. Throws as OutputArgument does, and
  /// CLI::ValidationError for a stream with several lanes.
  void check(const GlobalOptions& global, int laneCount);
  /// Gives `run` its recorder, and says how large its trace may be when it is fed at most `tokens`.
  void attach(LaneRun& run, int laneIndex, const model::ModelConfig& config, int tokens) const;
  /// Writes the traces of all lanes that were fed anything.
  void write(const std::vector<LaneRun>& runs, const lanes::LaneSet& set) const;

 private:
  std::string pathOf(int laneIndex) const;

  OutputArgument m_output;
  std::string m_type{shortName(lanes::kTraceStorage)};
  std::string m_layers;
  std::string m_rows;
  std::vector<formats::OutputTarget> m_targets;  // one per lane
};

}  // namespace headroom::cli
