#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "app/cli/decoder_choice.h"
#include "app/cli/lane_run.h"
#include "app/cli/token_arguments.h"
#include "core/model/sampler.h"

namespace headroom::cli {

/// What a command decodes in lanes, and how: its models, the text to begin with, sampling and decoder.
class DecodeArguments {
 public:
  /// Adds MODEL..., and the options for all of it; a file with the text perhaps under other names.
  void addOptions(CLI::App& app, const std::string& fileOption = "--prompt-file");

  int laneCount() const { return static_cast<int>(m_models.size()); }
  const std::vector<std::string>& models() const { return m_models; }
  const DecoderChoice& choice() const { return m_choice; }
  int maxTokens() const { return m_maxTokens; }
  const TokenInput& input() const { return m_input; }

  /// `device` as --device names it. Throws as DecoderChoice::onDevice does.
  lanes::DeviceLanes::Choice onDevice(const std::string& device) const { return m_choice.onDevice(device); }
  lanes::LaneSet::Options laneSetOptions() const;

  /// Told of each lane before any decoder is made: its model's shape, and how many tokens it is fed at most.
  using Attach = std::function<void(int lane, const model::ModelConfig& config, int tokens)>;
  /// Opens every lane and gives it its prompt; `runs` has one for each. Throws model::Error, and as
  /// TokenInput does.
  void openLanes(lanes::DeviceLanes& opener, std::vector<LaneRun>& runs, lanes::LaneSet& set,
                 const Attach& attach) const;

 private:
  int tokensAtMost(const model::Model& model, const std::vector<int>& promptTokens) const;

  std::vector<std::string> m_models;
  TokenInput m_input;
  model::SamplingOptions m_sampling;
  bool m_lockstep = false;
  std::string m_whenTextEnds = "stop";
  int m_maxTokens = 64;
  DecoderChoice m_choice;
};

}  // namespace headroom::cli
