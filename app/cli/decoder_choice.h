#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/lanes/device_lanes.h"

namespace headroom::cli {

/// How a command runs its models, as its options say.
struct DecoderChoice {
  std::string backend = "vulkan";
  std::string kvType = "f32";
  std::string attention = "shared";
  std::string ablate;   ///< heads to take away, as model::headsNamed() reads them; empty for none
  std::string kernels;  ///< a kernel plan; empty for what the device's calibration chose
  int batch = 1;
  int contextLength = 0;  ///< 0: the model's own

  /// Adds --context, --backend, --kv-type and --kernels.
  void addOptions(CLI::App& app);
  /// Adds --ablate.
  void addAblation(CLI::App& app);

  /// Of a lane with that model. Throws CLI::ValidationError where it has no such head.
  lanes::LaneOptions laneOptions(const model::ModelConfig& config) const;
  /// `device` as --device names it. Throws CLI::ValidationError for a plan that is none, model::Error for a
  /// device of the reference.
  lanes::DeviceLanes::Choice onDevice(const std::string& device) const;
};

/// A lane with `model`; its note, if it has one, goes to stderr. Throws model::Error when there is no such
/// device or it cannot run the model.
lanes::LaneEngine openLane(lanes::DeviceLanes& opener, lanes::ModelUse model, const DecoderChoice& choice);

}  // namespace headroom::cli
