#include "core/model/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/model/error.h"

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
  const float highest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  double weighted = 0.0;
  for (float logit : logits) {
    const double shifted = static_cast<double>(logit) - highest;
    const double weight = std::exp(shifted);
    sum += weight;
    weighted += weight * shifted;
  }
  result.entropy = static_cast<float>(std::log(sum) - weighted / sum);

  std::vector<int> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto kept = order.begin() + std::min<std::ptrdiff_t>(count, std::ssize(order));
  std::partial_sort(order.begin(), kept, order.end(),
                    [&](int a, int b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  for (auto token = order.begin(); token != kept; ++token) {
    const double probability = std::exp(static_cast<double>(logits[*token]) - highest) / sum;
    result.candidates.push_back({*token, static_cast<float>(probability)});
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
