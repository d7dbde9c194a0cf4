#include "core/analysis/model_difference.h"

#include "core/model/quantity.h"
#include "core/text/phrases.h"

namespace headroom::analysis {

std::optional<std::string> sizeDifference(const ModelSize& reference, const ModelSize& other) {
  if (reference.ffnDim == other.ffnDim && reference.parameterCount == other.parameterCount)
    return std::nullopt;
  return text::inWords<model::SentenceId::SizesDiffer>(
      other.title, model::groupDigits(other.ffnDim), model::groupDigits(other.parameterCount),
      reference.title, model::groupDigits(reference.ffnDim), model::groupDigits(reference.parameterCount));
}

}  // namespace headroom::analysis
