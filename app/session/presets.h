#pragma once

#include <array>
#include <span>
#include <string>

#include "app/session/lane.h"
#include "core/lanes/experiment.h"

namespace headroom::session {

/// A state to begin from that one would otherwise have to put together.
enum class Preset {
  Class,        ///< the bundled models side by side, at a pace to read along
  LongContext,  ///< the caches as full as models were trained for, with room to decode
  Batch8,       ///< eight sequences a lane
  FirstStart,   ///< as the program first opened
};
inline constexpr std::array kPresets{Preset::Class, Preset::LongContext, Preset::Batch8, Preset::FirstStart};

/// "Class".
std::string presetName(Preset preset);
/// What it does, for a tool tip.
std::string presetPurpose(Preset preset);

/// `now` as the preset changes it; `lanes` are those of `now` as they run.
lanes::Experiment withPreset(Preset preset, const lanes::Experiment& now, std::span<const LaneInfo> lanes);

}  // namespace headroom::session
