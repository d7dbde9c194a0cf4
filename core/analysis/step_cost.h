#pragma once

#include <optional>
#include <span>

#include "core/analysis/lane_measurement.h"
#include "core/model/device_ceilings.h"

namespace headroom::analysis {

/// Where a number comes from.
enum class Basis {
  Measured,  ///< times of this lane on this device
  Computed,  ///< bytes over the copy probe, or scaled from another layout's times by bytes
};

/// The part of a stage's time that the copy or FMA probe must explain for the stage to count as bound by
/// memory or arithmetic. Below it the kernel's own instructions are what takes the time, as on a software
/// device.
inline constexpr double kExplained = 0.4;

/// Time of a decode step of B sequences at T positions: fixed + B x perSequence + B x T x perCell.
struct StepCost {
  double fixedMs = 0.0;        ///< dispatches, overhead, reading the weights: the same for every batch
  double perSequenceMs = 0.0;  ///< what each further sequence costs before its cache is read
  double perCellMs = 0.0;  ///< per cached position of one sequence: reading and scoring its keys and values
  Basis basis = Basis::Measured;  ///< of perCellMs

  double milliseconds(double batch, double positions) const {
    return fixedMs + batch * (perSequenceMs + positions * perCellMs);
  }
};

/// Slope of attention time over positions, in ms per position: least squares through the medians of up to 16
/// ranges of positions, so that a disturbed step moves nothing. Nothing when the positions span less than a
/// factor of 1.5 or the slope is not three times its standard error.
std::optional<double> attentionSlope(std::span<const AttentionSample> samples);

/// The cost of a lane's steps. perCellMs is the measured slope; where the positions so far do not show one,
/// it is what the attention stage takes beyond its dispatches, from 1,024 cached positions on (all sequences
/// together), and else the issued KV bytes over the copy probe. Of the rest, what the probes explain
/// (dispatches, overhead, the weights at the copy rate) stays when the batch grows; what they do not explain
/// is the kernels' own work and grows with the batch, as do the FLOPs at the FMA ceiling. Nothing without a
/// measured step, or where neither slope nor probe is there.
std::optional<StepCost> stepCost(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings);

/// The same model with another number of KV heads, computed from bytes. Where the copy probe explains
/// kExplained of perCellMs, it changes by the ratio of the issued KV bytes (the naive kernel issues the same
/// for every layout); else only the explained part does, because the kernel's instructions stay. Never below
/// the FLOPs at the FMA ceiling, which sharing does not change. The rest stays.
StepCost withKvHeads(const StepCost& cost, const LaneMeasurement& lane, int kvHeadCount,
                     const model::DeviceCeilings& ceilings);

}  // namespace headroom::analysis
