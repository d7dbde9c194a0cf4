#pragma once

#include <optional>
#include <string>

#include "core/model/config.h"

namespace headroom::analysis {

/// The first position that a cache of `contextLength` positions holds beyond what the model was trained for,
/// if it does.
std::optional<int> untrainedFrom(const model::ModelConfig& config, int contextLength);

/// The first of two such positions: what lanes share, as a timeline or a plot, is trained before it.
std::optional<int> earlierOf(std::optional<int> a, std::optional<int> b);

/// "the trained context of 2,048 positions".
std::string trainedContextText(int positions);
/// What every view says beside its mark: "Beyond the trained context of 2,048 positions: text need not make
/// sense there, times and bytes are true."
std::string untrainedSentence(int positions);
/// Beside the title of a sweep that went there: "contexts beyond 2,048 positions are timed, but text there
/// would not make sense".
std::string untrainedSweepNote(int positions);

}  // namespace headroom::analysis
