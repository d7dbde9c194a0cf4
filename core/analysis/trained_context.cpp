#include "core/analysis/trained_context.h"

#include <algorithm>

#include "core/model/quantity.h"

namespace headroom::analysis {

std::optional<int> untrainedFrom(const model::ModelConfig& config, int contextLength) {
  const int trained = config.contextLength;
  return trained > 0 && contextLength > trained ? std::optional(trained) : std::nullopt;
}

std::optional<int> earlierOf(std::optional<int> a, std::optional<int> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

std::string trainedContextText(int positions) {
  return "the trained context of " + model::groupDigits(positions) + " positions";
}

std::string untrainedSentence(int positions) {
  return "Beyond " + trainedContextText(positions) +
         ": text need not make sense there, times and bytes are true.";
}

std::string untrainedSweepNote(int positions) {
  return "contexts beyond " + model::groupDigits(positions) +
         " positions are timed, but text there would not make sense";
}

}  // namespace headroom::analysis
