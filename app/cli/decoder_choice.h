#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>

#include "core/lanes/device_lanes.h"

namespace headroom::cli {

/// How a command runs its models, as its options say.
struct DecoderChoice {
  std::string backend = "vulkan";
  std::string kvType = "f32";
  std::string attention = "shared";
  std::string ablate;    ///< changes of heads, as model::headChangesNamed() reads them; empty for none
  std::string meanText;  ///< a file to measure means of heads on; empty for what the command reads
  std::string kernels;   ///< a kernel plan; empty for what the device's calibration chose
  int batch = 1;
  int contextLength = 0;  ///< 0: the model's own

  /// Adds --context, --backend, --kv-type and --kernels.
  void addOptions(CLI::App& app);
  /// Adds --ablate and --mean-text.
  void addAblation(CLI::App& app);

  /// Of a lane with that model, means not measured yet. Throws CLI::ValidationError where it has no such
  /// head.
  lanes::LaneOptions laneOptions(const model::ModelConfig& config) const;
  /// `device` as --device names it. Throws CLI::ValidationError for a plan that is none, model::Error for a
  /// device of the reference.
  lanes::DeviceLanes::Choice onDevice(const std::string& device) const;
};

/// A lane with `model`; its note, if it has one, goes to stderr. Means of heads that it is asked for are
/// those over choice.meanText, or over `read`, tokens that the command reads. Throws model::Error when there
/// is no such device, it cannot run the model, or an interrupt ended the measuring.
lanes::LaneEngine openLane(lanes::DeviceLanes& opener, lanes::ModelUse model, const DecoderChoice& choice,
                           std::span<const int> read = {});

}  // namespace headroom::cli
