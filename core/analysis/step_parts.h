#pragma once

#include <array>

#include "core/analysis/lane_measurement.h"
#include "core/model/stage.h"

namespace headroom::analysis {

/// What a step's wall time consists of: the stages in their order, then all that lies outside them.
inline constexpr int kStepPartCount = model::kStageCount + 1;

/// The parts by names that stand under a bar and beside a dot; model::stageName() is a stage's whole one.
inline constexpr std::array<const char*, kStepPartCount> kStepPartNames{
    "embed", "QKV", "attention", "attn. out", "FFN up", "FFN down", "logits", "outside"};

/// Milliseconds of each part; of a single step they add up to the lane's stepMs.
std::array<double, kStepPartCount> stepPartsMs(const LaneMeasurement& lane);

}  // namespace headroom::analysis
