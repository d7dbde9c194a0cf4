#include "core/evaluation/head_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>

#include "core/analysis/head_scores.h"
#include "core/model/error.h"
#include "core/model/statistics.h"

namespace headroom::evaluation {

namespace {

/// Captured rows of a block at most, unless a single row is larger.
constexpr std::uint64_t kBlockBytes = 64u << 20;

/// Rows of a window, evenly spaced, whose heads are compared with each other.
constexpr int kComparedRows = 256;

/// Attention of all heads, and keys and values where their subspaces are looked for.
model::StepRequest requestOf(const model::ModelConfig& config) {
  model::StepRequest request{
      .capture = model::Capture::everything(), .logits = model::LogitsRequest::none(), .timesStages = false};
  if (!analysis::hasSubspaces(config.attention)) return request;
  std::vector<int> layers(static_cast<std::size_t>(config.layerCount));
  std::iota(layers.begin(), layers.end(), 0);
  for (const model::CapturePoint point : {model::CapturePoint::Keys, model::CapturePoint::Values})
    request.capture.activations.push_back({point, layers});
  return request;
}

/// Sums of what the cache holds, by layer.
class CacheSums {
 public:
  explicit CacheSums(const model::ModelConfig& config) {
    if (!analysis::hasSubspaces(config.attention)) return;
    const int columns = config.attention.kvHeadCount * config.attention.headDim;
    m_keys.assign(static_cast<std::size_t>(config.layerCount), analysis::SubspaceSums(columns));
    m_values = m_keys;
  }
  void add(const model::StepRecord& record) {
    for (std::size_t layer = 0; layer < m_keys.size(); ++layer) {
      m_keys[layer].add(record.find(model::CapturePoint::Keys, static_cast<int>(layer))->values);
      m_values[layer].add(record.find(model::CapturePoint::Values, static_cast<int>(layer))->values);
    }
  }
  std::vector<analysis::LayerSubspaces> subspaces() const {
    std::vector<analysis::LayerSubspaces> layers;
    for (std::size_t layer = 0; layer < m_keys.size(); ++layer)
      layers.push_back({m_keys[layer].subspace(), m_values[layer].subspace()});
    return layers;
  }

 private:
  std::vector<analysis::SubspaceSums> m_keys;
  std::vector<analysis::SubspaceSums> m_values;
};

/// Reads `tokens` from an empty cache, block by block; false when it was stopped.
template <typename Keep>
bool read(model::Decoder& decoder, std::span<const int> tokens, const StopRequest& stop, const Keep& keep) {
  const model::StepRequest request = requestOf(decoder.config());
  const model::ModelConfig& config = decoder.config();
  const auto heads = static_cast<std::uint64_t>(config.layerCount) *
                     static_cast<std::uint64_t>(config.attention.queryHeadCount);
  decoder.truncate(0);
  while (!tokens.empty()) {
    if (stop()) return false;
    const std::uint64_t rowBytes =
        heads * static_cast<std::uint64_t>(decoder.position() + decoder.blockTokens()) * sizeof(float);
    const auto most = std::clamp<std::uint64_t>(kBlockBytes / rowBytes, 1,
                                                static_cast<std::uint64_t>(decoder.blockTokens()));
    const std::span<const int> block = tokens.first(std::min<std::size_t>(tokens.size(), most));
    for (const model::StepRecord& record : decoder.runTokens(block, request)) keep(record);
    tokens = tokens.subspan(block.size());
  }
  return true;
}

}  // namespace

std::vector<int> tokensOf(const RepeatedTokens& repeated, int vocabSize, int draw) {
  const int end = repeated.endId > 0 ? repeated.endId : vocabSize;
  if (repeated.length < 2 || repeated.copies < 2) {
    throw model::Error(
        fmt::format("{} random tokens said {} times tell nothing of induction, expected 2 or more "
                    "of both",
                    repeated.length, repeated.copies));
  }
  if (repeated.firstId < 0 || repeated.firstId >= end || end > vocabSize) {
    throw model::Error(
        fmt::format("Random tokens from {} up to {}, not included, were asked for, the vocabulary has "
                    "{}",
                    repeated.firstId, end, vocabSize));
  }
  const auto range = static_cast<std::uint64_t>(end - repeated.firstId);
  if (range < static_cast<std::uint64_t>(repeated.length)) {
    throw model::Error(
        fmt::format("{} random tokens, each another one, cannot be drawn from {} ids, expected as many "
                    "ids or more",
                    repeated.length, range));
  }
  std::mt19937 random(repeated.seed + static_cast<unsigned>(draw));
  std::vector<int> copy;
  std::set<int> drawn;
  while (std::ssize(copy) < repeated.length) {
    // Drawn by a rule that is the same everywhere, which those of the standard library are not.
    const int token = repeated.firstId + static_cast<int>(range * random() >> 32);
    if (drawn.insert(token).second) copy.push_back(token);
  }
  std::vector<int> tokens;
  if (repeated.startToken) tokens.push_back(*repeated.startToken);
  for (int said = 0; said < repeated.copies; ++said) tokens.insert(tokens.end(), copy.begin(), copy.end());
  return tokens;
}

analysis::HeadSurvey surveyHeads(model::Decoder& decoder, std::span<const int> text,
                                 const RepeatedTokens& repeated, const StopRequest& stop,
                                 const SurveyProgress& progress) {
  const model::ModelConfig& config = decoder.config();
  const int layers = config.layerCount;
  const int queryHeads = config.attention.queryHeadCount;
  const auto context = static_cast<std::size_t>(decoder.options().contextLength);
  const std::vector<int> again = tokensOf(repeated, config.vocabSize);
  if (again.size() > context) {
    throw model::Error(fmt::format("{} random tokens said {} times are {} positions, the context holds {}",
                                   repeated.length, repeated.copies, again.size(), context));
  }
  analysis::HeadScoreSums scores(layers, queryHeads);
  std::vector<analysis::InductionSums> induction;  // of each draw that was begun
  const auto longest = static_cast<int>(std::min(text.size(), context));
  analysis::HeadDivergenceSums divergences(layers, queryHeads,
                                           std::max(1, (longest + kComparedRows - 1) / kComparedRows));
  CacheSums cache(config);
  analysis::HeadSurvey survey;
  const auto total = std::ssize(again) * repeated.draws + std::ssize(text);
  std::int64_t done = 0;
  const auto told = [&](const model::StepRecord& record) {
    done += record.attention.rowCount;
    if (progress) progress(done, total);
  };
  survey.isWhole = true;
  for (int draw = 0; draw < repeated.draws && survey.isWhole; ++draw) {
    induction.emplace_back(layers, queryHeads, repeated.length + (repeated.startToken ? 1 : 0),
                           repeated.length);
    survey.isWhole =
        read(decoder, tokensOf(repeated, config.vocabSize, draw), stop, [&](const model::StepRecord& record) {
          induction.back().add(record.attention);
          told(record);
        });
  }
  for (std::span<const int> rest = text; survey.isWhole && !rest.empty();) {
    const std::span<const int> window = rest.first(std::min(rest.size(), context));
    ++survey.windows;
    survey.isWhole = read(decoder, window, stop, [&](const model::StepRecord& record) {
      scores.add(record.attention, window);
      divergences.add(record.attention);
      cache.add(record);
      told(record);
    });
    rest = rest.subspan(window.size());
  }
  decoder.truncate(0);
  survey.positions = scores.rowCount();
  survey.divergences = divergences.means();
  survey.cached = cache.subspaces();
  for (int layer = 0; layer < layers; ++layer) {
    for (int head = 0; head < queryHeads; ++head) {
      std::vector<double> draws;
      for (const analysis::InductionSums& sums : induction) draws.push_back(sums.mean(layer, head));
      const model::Mean mean = model::meanOf(std::span<const double>(draws));  // one was begun at least
      survey.heads.push_back(
          {.layer = layer,
           .queryHead = head,
           .kvHead = config.attention.kvHeadOf(head),
           .scores = scores.mean(layer, head),
           .induction = mean.value,
           .inductionDeviation =
               draws.size() > 1 ? mean.standardError * std::sqrt(static_cast<double>(draws.size())) : 0.0});
    }
  }
  return survey;
}

}  // namespace headroom::evaluation
