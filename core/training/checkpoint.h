#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/training/aligned_floats.h"

namespace headroom::training {

struct TrainingPoint;

/// Everything a Trainer needs to go on.
struct Checkpoint {
  std::uint64_t fingerprint = 0;  ///< of shape, options and texts
  std::int64_t step = 0;
  double lossSincePoint = 0.0;
  std::int64_t stepsSincePoint = 0;
  AlignedFloats parameters;
  AlignedFloats firstMoment;
  AlignedFloats secondMoment;
  std::vector<TrainingPoint> points;
};

/// Writes beside `path`, then renames, so that a kill leaves the old or the new file. Throws model::Error
/// when the disk refuses.
void writeCheckpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);
/// Throws model::Error when the file is damaged or does not hold `parameterCount` parameters.
Checkpoint readCheckpoint(const std::filesystem::path& path, std::size_t parameterCount);

}  // namespace headroom::training
