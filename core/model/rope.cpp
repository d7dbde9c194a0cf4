#include "core/model/rope.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "core/model/config.h"

namespace headroom::model {

namespace {

/// Llama 3.1's rule: long wavelengths are stretched by the factor, short ones stay, between them it is mixed.
double llama3Frequency(const RopeScaling& scaling, double frequency) {
  const double wavelength = 2.0 * std::numbers::pi / frequency;
  const double original = scaling.originalContext;
  if (wavelength < original / scaling.highFrequencyFactor) return frequency;
  if (wavelength > original / scaling.lowFrequencyFactor) return frequency / scaling.factor;
  const double smooth = (original / wavelength - scaling.lowFrequencyFactor) /
                        (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
  return (1.0 - smooth) * frequency / scaling.factor + smooth * frequency;
}

/// The pair that turns `turns` times within the original context; not whole.
double pairOfTurns(const ModelConfig& config, double turns) {
  return config.ropeDim * std::log(config.ropeScaling.originalContext / (turns * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(static_cast<double>(config.ropeBase)));
}

/// YaRN by parts: pairs of many turns keep their frequency, those of few are stretched, with a ramp between.
void scaleYarn(const ModelConfig& config, std::vector<double>& frequencies) {
  const RopeScaling& scaling = config.ropeScaling;
  const double low = std::max(0.0, std::floor(pairOfTurns(config, scaling.betaFast)));
  const double high = std::min(config.ropeDim - 1.0, std::ceil(pairOfTurns(config, scaling.betaSlow)));
  for (std::size_t pair = 0; pair < frequencies.size(); ++pair) {
    const double ramp = std::clamp((static_cast<double>(pair) - low) / std::max(0.001, high - low), 0.0, 1.0);
    frequencies[pair] *= (1.0 - ramp) + ramp / scaling.factor;
  }
}

}  // namespace

std::string_view shortName(RopeScalingKind kind) {
  switch (kind) {
    case RopeScalingKind::None:
      return "none";
    case RopeScalingKind::Linear:
      return "linear";
    case RopeScalingKind::Factors:
      return "factors";
    case RopeScalingKind::Llama3:
      return "llama3";
    case RopeScalingKind::Yarn:
      return "yarn";
  }
  return "";
}

std::int64_t adjacentPairRow(const ModelConfig& config, std::int64_t row) {
  const std::int64_t element = row % config.attention.headDim;
  if (config.traits.ropePairing == RopePairing::Adjacent || element >= config.ropeDim) return row;
  return row - element + element / 2 + (element % 2) * (config.ropeDim / 2);
}

RopeTable::RopeTable(const ModelConfig& config, int contextLength) {
  if (config.traits.positions != Positions::Rope) return;
  const RopeScaling& scaling = config.ropeScaling;
  for (int pair = 0; pair < config.ropeDim / 2; ++pair) {
    frequencies.push_back(std::pow(static_cast<double>(config.ropeBase), -2.0 * pair / config.ropeDim));
  }
  if (scaling.magnitude > 0.0) magnitude = scaling.magnitude;
  switch (scaling.kind) {
    case RopeScalingKind::None:
      return;
    case RopeScalingKind::Linear:
      for (double& frequency : frequencies) frequency /= scaling.factor;
      return;
    case RopeScalingKind::Llama3:
      for (double& frequency : frequencies) frequency = llama3Frequency(scaling, frequency);
      return;
    case RopeScalingKind::Factors: {
      const bool isLong = !scaling.longFactors.empty() && contextLength > scaling.originalContext;
      const std::vector<float>& factors = isLong ? scaling.longFactors : scaling.factors;
      assert(factors.size() == frequencies.size());
      for (std::size_t pair = 0; pair < frequencies.size(); ++pair) {
        frequencies[pair] /= static_cast<double>(factors[pair]);
      }
      return;
    }
    case RopeScalingKind::Yarn:
      scaleYarn(config, frequencies);
      if (scaling.magnitude <= 0.0) magnitude = 0.1 * std::log(scaling.factor) + 1.0;
      return;
  }
}

}  // namespace headroom::model
