#include "core/evaluation/head_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "core/analysis/head_divergence.h"
#include "core/analysis/head_scores.h"
#include "core/evaluation/captured_sums.h"
#include "core/model/error.h"
#include "core/model/statistics.h"

namespace headroom::evaluation {

namespace {

/// Captured rows of a block at most, unless a single row is larger.
constexpr std::uint64_t kBlockBytes = 64u << 20;

/// Rows of a window, evenly spaced, whose heads are compared with each other.
constexpr int kComparedRows = 256;

/// Reads `tokens` from an empty cache, block by block, with the attention of all heads and `activations`;
/// false when it was stopped.
template <typename Keep>
bool read(model::Decoder& decoder, std::span<const int> tokens,
          const std::vector<model::ActivationRequest>& activations, const StopRequest& stop,
          const Keep& keep) {
  model::StepRequest request{
      .capture = model::Capture::everything(), .logits = model::LogitsRequest::none(), .timesStages = false};
  request.capture.activations = activations;
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

void addCopyingScores(const SurveyedWeights& weights, const StopRequest& stop, analysis::HeadSurvey& survey) {
  const auto leaveOut = [&](const std::string& reason) { survey.omissions.push_back({"copying", reason}); };
  if (!weights.model) {
    leaveOut("The weights of the model are not at hand");
    return;
  }
  const double operations = analysis::copyingOperations(*weights.model);
  if (operations > weights.mostCopyingOperations) {
    leaveOut(
        fmt::format("Copying scores of this model take {:.0f} billion multiplications, at most {:.0f} "
                    "billion are spent on them",
                    operations * 1e-9, weights.mostCopyingOperations * 1e-9));
    return;
  }
  const std::vector<std::vector<double>> scores =
      survey.isWhole ? analysis::copyingScores(*weights.model, stop) : std::vector<std::vector<double>>();
  if (scores.empty()) {
    survey.isWhole = false;
    leaveOut("It was stopped before the copying scores were there");
    return;
  }
  for (analysis::HeadSurvey::Head& head : survey.heads)
    head.copying = scores[static_cast<std::size_t>(head.layer)][static_cast<std::size_t>(head.queryHead)];
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
                                 const SurveyProgress& progress, const SurveyedWeights& weights) {
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
  CapturedSums captured(config, weights.model);
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
    survey.isWhole = read(decoder, tokensOf(repeated, config.vocabSize, draw), {}, stop,
                          [&](const model::StepRecord& record) {
                            induction.back().add(record.attention);
                            told(record);
                          });
  }
  for (std::span<const int> rest = text; survey.isWhole && !rest.empty();) {
    const std::span<const int> window = rest.first(std::min(rest.size(), context));
    ++survey.windows;
    survey.isWhole = read(decoder, window, captured.requests(), stop, [&](const model::StepRecord& record) {
      scores.add(record.attention, window);
      divergences.add(record.attention);
      captured.add(record);
      told(record);
    });
    rest = rest.subspan(window.size());
  }
  decoder.truncate(0);
  survey.positions = scores.rowCount();
  survey.divergences = divergences.means();
  survey.prefixPositions = scores.prefixRowCount();
  if (survey.prefixPositions == 0)
    survey.omissions.push_back({"prefix_matching", "No token of the text stands earlier in its window too"});
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
  captured.conclude(survey);
  addCopyingScores(weights, stop, survey);
  return survey;
}

}  // namespace headroom::evaluation
