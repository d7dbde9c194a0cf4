#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace headroom::model {

struct ModelConfig;

enum class RopeScalingKind {
  None,
  Linear,   ///< positions divided by a factor (Chen et al. 2023, arXiv 2306.15595)
  Factors,  ///< a divisor per pair: Llama 3's, and LongRoPE (arXiv 2402.13753), which has two sets
  Llama3,   ///< divisors computed from wavelengths, as config.json of Llama 3.1 states them
  Yarn,     ///< arXiv 2309.00071
};

std::string_view shortName(RopeScalingKind kind);

/// How a model trained on short texts rotates at longer ones.
struct RopeScaling {
  RopeScalingKind kind = RopeScalingKind::None;
  double factor = 1.0;              ///< Linear, Llama3, Yarn: context of the model / original context
  int originalContext = 0;          ///< positions before scaling; Factors, Llama3, Yarn
  double lowFrequencyFactor = 1.0;  ///< Llama3
  double highFrequencyFactor = 4.0;
  double betaFast = 32.0;          ///< Yarn: turns within the original context above which nothing is scaled
  double betaSlow = 1.0;           ///< and below which everything is
  double magnitude = 0.0;          ///< what rotated vectors are multiplied by; 0: as the kind's paper says
  std::vector<float> factors;      ///< Factors: [ropeDim / 2] divisors of the frequencies
  std::vector<float> longFactors;  ///< LongRoPE's for contexts beyond the original one, else empty
};

/// Where row `row` of Q or K comes from when rotated pairs shall be adjacent and `config` holds them in
/// halves.
std::int64_t adjacentPairRow(const ModelConfig& config, std::int64_t row);

/// The rotation of every position: pair i of a head at position p turns by p * frequencies[i] radians and is
/// multiplied by magnitude.
struct RopeTable {
  std::vector<double> frequencies;  ///< [ropeDim / 2]
  double magnitude = 1.0;

  /// For a cache of `contextLength` positions, which decides between LongRoPE's sets.
  RopeTable(const ModelConfig& config, int contextLength);
};

}  // namespace headroom::model
