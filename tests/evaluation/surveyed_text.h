#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/evaluation/survey_watch.h"
#include "tests/support/edited_model.h"
#include "tests/support/random_model.h"

/// Texts to survey, when to stop, and a model of which one head does nothing.
namespace headroom::tests {

inline const evaluation::StopRequest kNever = [] { return false; };

/// A text whose reading ends after `steps` steps.
inline evaluation::StopRequest stopAfter(int steps) {
  return [left = std::make_shared<int>(steps)] { return --*left < 0; };
}

inline std::vector<int> someTokens(int count, int vocabSize) {
  std::vector<int> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back((i * 53 + i * i * 7 + 5) % vocabSize);
  return tokens;
}

/// Two layers of four heads, of which W_O does not read head 2 of layer 1.
inline EditableModel modelWithUnreadHead() {
  EditableModel edited{randomModel(smallConfig({4, 2, 16}), Output::Separate)};
  const std::span<float> weights =
      edited.edit(edited.model.weights.layers[1].attentionOutput);  // [64][4 * 16]
  for (std::size_t row = 0; row < 64; ++row) std::ranges::fill(weights.subspan(row * 64 + 2 * 16, 16), 0.0f);
  return edited;
}
inline constexpr std::size_t kUnreadHead = 4 + 2;  ///< of all, by layer

}  // namespace headroom::tests
