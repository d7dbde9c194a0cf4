#include "core/model/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/model/error.h"
#include "core/model/token_order.h"

namespace headroom::model {

std::string_view shortName(AttentionKernel kernel) {
  return kernel == AttentionKernel::Shared ? "shared" : "naive";
}

int contextOf(const ModelConfig& config, const DecoderOptions& options) {
  const int wanted = options.contextLength > 0 ? options.contextLength : config.contextLength;
  if (config.traits.positions == Positions::Learned && wanted > config.contextLength) {
    throw Error(fmt::format("The model has learned {} positions, a context of {} was asked for.",
                            config.contextLength, wanted));
  }
  return wanted;
}

bool Capture::wants(int layer) const {
  return all || std::find(layers.begin(), layers.end(), layer) != layers.end();
}

std::vector<int> Capture::wantedHeads(int queryHeadCount) const {
  std::vector<int> heads = queryHeads;
  if (heads.empty()) {
    heads.resize(static_cast<std::size_t>(queryHeadCount));
    std::iota(heads.begin(), heads.end(), 0);
  }
  return heads;
}

Distribution summarise(std::span<const float> logits, int count) {
  Distribution result;
  const std::vector<int> first = mostLikely(logits, std::max(count, 1));
  if (first.empty()) return result;
  const float highest = logits[static_cast<std::size_t>(first.front())];
  double sum = 0.0;
  double weighted = 0.0;
  for (const float logit : logits) {
    const double weight = softmaxWeight(logit, highest);
    sum += weight;
    // A weight between 0 and 1 is that of a finite difference.
    if (weight > 0.0 && weight < 1.0)
      weighted += weight * (static_cast<double>(logit) - static_cast<double>(highest));
  }
  result.entropy = static_cast<float>(std::log(sum) - weighted / sum);
  for (const int token : std::span(first).first(
           static_cast<std::size_t>(std::min<std::ptrdiff_t>(std::max(count, 0), std::ssize(first))))) {
    const double probability = softmaxWeight(logits[static_cast<std::size_t>(token)], highest) / sum;
    result.candidates.push_back({token, static_cast<float>(probability)});
  }
  return result;
}

void requireTokens(std::span<const int> tokens) {
  if (tokens.empty()) throw Error("There is no token to run: the text is empty, expected at least one.");
}

void checkRun(std::span<const int> tokens, int position, int contextLength, int vocabSize) {
  requireTokens(tokens);
  if (std::ssize(tokens) > contextLength - position) {
    throw Error(
        fmt::format("The context is full: it holds {} positions, {} are used and {} more were asked for.",
                    contextLength, position, tokens.size()));
  }
  for (int token : tokens) {
    if (token >= 0 && token < vocabSize) continue;
    throw Error(fmt::format("Token {} is outside the vocabulary of {} tokens, expected 0 to {}.", token,
                            vocabSize, vocabSize - 1));
  }
}

void checkReplay(int firstPosition, std::span<const int> tokens, int cached) {
  if (firstPosition >= 0 && !tokens.empty() && std::ssize(tokens) <= cached - firstPosition) return;
  throw Error(fmt::format("Positions {} to {} cannot be looked at again: {} are in the cache.", firstPosition,
                          firstPosition + std::ssize(tokens) - 1, cached));
}

}  // namespace headroom::model
