#include "core/model/architecture.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace headroom::model {

namespace {

/// GPT-2 and what was built like it.
constexpr Traits kGpt2{.norm = Norm::Layer,
                       .positions = Positions::Learned,
                       .feedForward = FeedForward::Plain,
                       .activation = Activation::GeluTable};
constexpr Traits kHalves{.ropePairing = RopePairing::Halves};

// The activations are those of GGUF readers, whatever the model was trained with.
constexpr Architecture kArchitectures[] = {
    {"llama", "llama,mistral", "Llama, Mistral, TinyLlama, SmolLM", {}},
    {"qwen2", "qwen2", "Qwen 2 and 2.5", kHalves},
    {"qwen3", "qwen3", "Qwen 3", {.ropePairing = RopePairing::Halves, .headNorms = true}},
    {"gemma",
     "gemma",
     "Gemma",
     {.ropePairing = RopePairing::Halves, .activation = Activation::GeluTable, .scalesEmbedding = true}},
    {"gemma2",
     "gemma2",
     "Gemma 2",
     {.ropePairing = RopePairing::Halves,
      .activation = Activation::GeluTable,
      .windows = Windows::EvenLayers,
      .scalesEmbedding = true,
      .branchNorms = true}},
    {"gpt2", "gpt2", "GPT-2", kGpt2, FusedMatrices::Qkv},
    {"starcoder", "gpt_bigcode", "StarCoder, SantaCoder", kGpt2, FusedMatrices::Qkv},
    {"starcoder2",
     "starcoder2",
     "StarCoder 2",
     {.norm = Norm::Layer,
      .ropePairing = RopePairing::Halves,
      .feedForward = FeedForward::Plain,
      .activation = Activation::GeluTable,
      .windows = Windows::EveryLayer}},
    {"falcon",
     "falcon",
     "Falcon 7B and 40B",
     {.norm = Norm::Layer,
      .ropePairing = RopePairing::Halves,
      .block = Block::Parallel,
      .feedForward = FeedForward::Plain,
      .activation = Activation::GeluTable,
      .ownFfnNorm = false},
     FusedMatrices::Qkv,
     true},
    {"phi2",
     "phi",
     "Phi 1.5 and 2",
     {.norm = Norm::Layer,
      .ropePairing = RopePairing::Halves,
      .block = Block::Parallel,
      .feedForward = FeedForward::Plain,
      .activation = Activation::GeluTable,
      .ownFfnNorm = false},
     FusedMatrices::Qkv},
    {"phi3",
     "phi3",
     "Phi 3",
     {.ropePairing = RopePairing::Halves, .windows = Windows::EveryLayer},
     FusedMatrices::QkvAndGateUp},
    {"stablelm", "stablelm", "StableLM", {.norm = Norm::Layer, .ropePairing = RopePairing::Halves}},
    {"gptneox",
     "gpt_neox",
     "Pythia, GPT-NeoX",
     {.norm = Norm::Layer,
      .ropePairing = RopePairing::Halves,
      .block = Block::Parallel,
      .feedForward = FeedForward::Plain,
      .activation = Activation::GeluTable},
     FusedMatrices::Qkv},
};

bool lists(std::string_view names, std::string_view wanted) {
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    if (names.substr(0, comma) == wanted) return true;
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return false;
}

/// Insertions, deletions and replacements that turn one word into the other (Levenshtein 1966).
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), 0u);
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::span<const Architecture> architectures() {
  return kArchitectures;
}

const Architecture* findArchitecture(std::string_view name) {
  const auto found = std::ranges::find(kArchitectures, name, &Architecture::name);
  return found == std::end(kArchitectures) ? nullptr : found;
}

const Architecture* findHuggingFace(std::string_view modelType) {
  const auto found = std::ranges::find_if(
      kArchitectures, [&](const Architecture& row) { return lists(row.huggingFace, modelType); });
  return found == std::end(kArchitectures) ? nullptr : found;
}

const Architecture& nearestArchitecture(std::string_view name) {
  name = name.substr(0, 64);  // the distance costs the product of the lengths
  return *std::ranges::min_element(kArchitectures, {},
                                   [&](const Architecture& row) { return distance(row.name, name); });
}

std::string architectureNames() {
  std::string names;
  for (const Architecture& row : kArchitectures) {
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

}  // namespace headroom::model
