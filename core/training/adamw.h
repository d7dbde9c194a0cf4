#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/training/parameters.h"

namespace headroom::training {

struct AdamWOptions {
  float beta1 = 0.9f;
  float beta2 = 0.98f;
  float epsilon = 1e-8f;
  float weightDecay = 0.1f;  ///< of matrices; norm gains are not decayed
};

/// Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", arXiv 1711.05101, algorithm 2.
class AdamW {
 public:
  AdamW(const ParameterLayout& layout, const AdamWOptions& options);

  /// One update of `parameters` with `learningRate`. `updateNumber` counts from 1.
  void update(std::span<float> parameters, std::span<const float> gradient, float learningRate,
              std::int64_t updateNumber);

  /// First and second moments, [layout.size()] each, for checkpoints.
  AlignedFloats& firstMoment() { return m_firstMoment; }
  AlignedFloats& secondMoment() { return m_secondMoment; }

 private:
  AdamWOptions m_options;
  std::vector<ParameterSlot> m_slots;
  AlignedFloats m_firstMoment;
  AlignedFloats m_secondMoment;
};

/// Linear from 0 to `peak` over warmupSteps, then a cosine down to 2 % of `peak` at stepCount.
float learningRateAt(std::int64_t step, std::int64_t warmupSteps, std::int64_t stepCount, float peak);

}  // namespace headroom::training
