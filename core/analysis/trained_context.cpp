#include "core/analysis/trained_context.h"

#include <algorithm>

#include "core/model/quantity.h"
#include "core/text/phrases.h"

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
  return text::inWords<model::SentenceId::TrainedContext>(model::groupDigits(positions));
}

std::string untrainedSentence(int positions) {
  return text::inWords<model::SentenceId::Untrained>(trainedContextText(positions));
}

std::string untrainedSweepNote(int positions) {
  return text::inWords<model::SentenceId::UntrainedSweep>(model::groupDigits(positions));
}

}  // namespace headroom::analysis
