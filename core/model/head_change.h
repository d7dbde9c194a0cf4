#pragma once

#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/intervention.h"

namespace headroom::model {

/// What a query head gives to W_O in place of what it computes.
enum class HeadOutput {
  Zero,           ///< nothing
  Mean,           ///< what it gives on average, HeadChange::mean
  PreviousToken,  ///< its values by another pattern, as AttentionPattern has them
  Uniform,
  FirstToken,
  Scaled,  ///< what it computes, times HeadChange::gain
};

/// The names in files and on the command line, in the order of the enumeration: "zero", "mean",
/// "previous-token", "uniform", "first-token", "scaled".
std::span<const std::string_view> headOutputNames();
/// Nothing where it is none of them.
std::optional<HeadOutput> headOutputNamed(std::string_view name);

/// What is done to one query head of a model, in every step.
struct HeadChange {
  HeadPlace head;
  HeadOutput output = HeadOutput::Zero;
  double gain = 0.0;               ///< of Scaled
  std::vector<float> mean = {};    ///< of Mean, [headDim]; empty until it is measured
  std::int64_t meanPositions = 0;  ///< that it is the mean over

  bool operator==(const HeadChange&) const = default;
};

/// Whether all of it is there: means are measured where there is a text.
bool isMeasured(const HeadChange& change);

/// "L4H2,L3KV0=mean,L2H1=0.5": query heads, or KV heads with all that read them, and what becomes of each:
/// one of headOutputNames() or a factor, zero where nothing is said. In any order; ascending, each head once.
/// Throws Error, with what was expected, where a name is none, the model has no such head, or a head is to
/// become two things.
std::vector<HeadChange> headChangesNamed(std::string_view names, const ModelConfig& config);
/// "L4H2", "L4H2=mean", "L4H2=0.5": as headChangesNamed() reads it.
std::string nameOf(const HeadChange& change);
/// "NAME \u2212L4H2 L3H0=mean", or "NAME \u22128 heads" of more than two that give nothing, "NAME, 8 heads
/// changed" of others; NAME alone without changes.
std::string nameWith(std::string_view name, std::span<const HeadChange> changes);
/// For people: "gives nothing", "gives its mean over 512 positions", "is frozen to the token before", "is
/// frozen to equal weights", "is frozen to the first token", "counts 0.5 times".
std::string deedOf(const HeadChange& change);

/// What a decoder is asked for. Throws Error where a mean is not measured.
std::vector<HeadIntervention> interventionsOf(std::span<const HeadChange> changes, const ModelConfig& config);

}  // namespace headroom::model
