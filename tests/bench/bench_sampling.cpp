#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <vector>

#include "core/model/clock.h"
#include "core/model/decoder.h"
#include "core/model/finite.h"
#include "core/model/sampler.h"
#include "core/model/statistics.h"

using namespace headroom::model;

namespace {

constexpr int kRounds = 41;
constexpr std::size_t kVocabulary = 128256;  // Llama 3

/// Median and fastest of `work`, in milliseconds.
template <typename Work>
void measure(const char* what, const Work& work) {
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    work();
    times.push_back(millisecondsSince(start));
  }
  const double fastest = std::ranges::min(times);
  fmt::print("{:<40}{:8.3f} ms  ({:.3f})\n", what, median(std::move(times)), fastest);
}

}  // namespace

/// What choosing a token costs the host at a vocabulary of 128,256.
int main() {
  for (const float deviation : {3.0f, 0.1f}) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0.0f, deviation);
    std::vector<float> logits(kVocabulary);
    for (float& logit : logits) logit = normal(random);
    fmt::print("logits of deviation {}, median (fastest) of {}\n", deviation, kRounds);
    measure("summary, 10 candidates", [&] { summarise(logits, kCandidateCount); });
    const auto pick = [&](const char* what, const SamplingOptions& options) {
      Sampler sampler(options);
      measure(what, [&] { sampler.pick(logits); });
    };
    pick("greedy", {});
    pick("temperature 0.8", {.temperature = 0.8f});
    pick("temperature 0.8, top-k 40", {.temperature = 0.8f, .topK = 40});
    pick("temperature 0.8, top-p 0.95", {.temperature = 0.8f, .topP = 0.95f});
    bool finite = false;
    measure("all finite", [&] { finite = firstNonFinite(std::span(std::as_const(logits))) == logits.size(); });
    if (!finite) return 1;
  }
}
