#include "core/evaluation/ablation_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/evaluation/text_loss.h"
#include "core/model/error.h"
#include "core/model/statistics.h"

namespace headroom::evaluation {

namespace {

/// Tokens of a step in the other split: so few that other kernels multiply. On lavapipe that moves the losses
/// of the bundled MQA model by 1.5e-6 in the rows family; in the packed family, and in float64, by nothing
/// that a float holds.
constexpr int kOtherTokens = 5;

AblationSurvey::Noise noiseBetween(std::span<const float> losses, std::span<const float> others) {
  AblationSurvey::Noise noise;
  for (std::size_t index = 0; index < losses.size(); ++index) {
    const float loss = losses[index];
    const double apart = static_cast<double>(std::nextafter(loss, std::numeric_limits<float>::infinity())) -
                         static_cast<double>(loss);
    const double moved =
        std::max(apart, std::abs(static_cast<double>(others[index]) - static_cast<double>(loss)));
    noise.mean += moved / static_cast<double>(losses.size());
    noise.largest = std::max(noise.largest, moved);
  }
  return noise;
}

/// Without - with, of each token.
std::vector<double> differences(std::span<const float> without, std::span<const float> with) {
  std::vector<double> result;
  for (std::size_t index = 0; index < with.size(); ++index)
    result.push_back(static_cast<double>(without[index]) - static_cast<double>(with[index]));
  return result;
}

void requireSameRun(const AblationSurvey& survey, std::size_t predicted, std::size_t headCount) {
  if (survey.measuresEffects && survey.noise && !survey.effectNoise) {
    throw model::Error(
        fmt::format("What was measured of {} heads is without effects on distributions, "
                    "which are asked for now",
                    survey.heads.size()));
  }
  const bool isTexts = survey.baseline.empty() || survey.baseline.size() == predicted;
  if (isTexts && survey.heads.size() <= headCount) return;
  throw model::Error(fmt::format(
      "What was measured is of {} predicted tokens and {} heads, expected {} tokens and at most {} heads",
      survey.baseline.size(), survey.heads.size(), predicted, headCount));
}

std::vector<AblatedHead> allHeads(AblationUnit unit, const model::ModelConfig& config) {
  std::vector<AblatedHead> heads;
  for (int layer = 0; layer < config.layerCount; ++layer) {
    for (int head = 0; head < headCount(unit, config.attention); ++head) heads.push_back({layer, head});
  }
  return heads;
}

}  // namespace

void surveyAblation(model::Decoder& decoder, std::span<const int> text, AblationSurvey& survey,
                    const StopRequest& stop, const SurveyProgress& progress) {
  requireLossText(decoder, text);
  const model::ModelConfig& config = decoder.config();
  const std::vector<AblatedHead> asked = survey.asked.empty() ? allHeads(survey.unit, config) : survey.asked;
  const std::size_t total = asked.size();
  requireSameRun(survey, text.size() - 1, total);
  survey.isWhole = false;
  const HeadsRestored guard(decoder);
  // A decoder that cannot says so before the text is read.
  decoder.setInterventions(ablationOf(survey.unit, 0, 0, config));
  decoder.setInterventions({});
  const bool wantsMeans = survey.replacement.output == model::HeadOutput::Mean;

  std::optional<KeptDistributions> kept;
  if (survey.measuresEffects) {
    kept.emplace(std::ssize(text) - 1, config.vocabSize);
    survey.effectPositions = kept->positions();
    survey.effectStride = kept->stride();
  }
  const auto keeping = [&] {
    return kept ? KeepPrediction([&](const PredictedRow& row) { kept->keep(row); }) : KeepPrediction();
  };
  const auto comparing = [&] {
    return kept ? KeepPrediction([&](const PredictedRow& row) { kept->compare(row); }) : KeepPrediction();
  };
  const std::int64_t textTokens = std::ssize(text) - 1;
  const auto readsDone = [&] {
    return (wantsMeans && survey.replacement.isMeasured() ? 1 : 0) + (survey.baseline.empty() ? 0 : 1) +
           (survey.noise ? 1 : 0) + std::ssize(survey.heads);
  };
  const std::int64_t totalTokens = (std::ssize(asked) + (wantsMeans ? 3 : 2)) * textTokens;
  const auto read = [&](int blockTokens, const KeepPrediction& keep) {
    const std::int64_t before = readsDone() * textTokens;
    return readText(
        decoder, text, blockTokens, stop,
        [&](std::int64_t done, std::int64_t) {
          if (progress) progress(before + done, totalTokens);
        },
        keep);
  };
  // The mean is over the last token too, which nothing is predicted from.
  const auto tellMeans = [&](std::int64_t done, std::int64_t) {
    if (progress) progress(std::min(done, textTokens), totalTokens);
  };
  if (!survey.replacement.measure(decoder, text, stop, tellMeans)) return;
  if (survey.baseline.empty()) {
    TextLoss loss = read(decoder.blockTokens(), keeping());
    if (!loss.isWhole) return;
    survey.baseline = std::move(loss.nats);
    survey.windows = loss.windows;
  } else if (kept && (!survey.noise || survey.heads.size() < total)) {
    if (!readText(decoder, text, decoder.blockTokens(), stop, {}, keeping()).isWhole) return;
  }
  if (!survey.noise) {
    const int otherTokens = textTokens > kOtherTokens ? kOtherTokens : 1;
    const TextLoss loss = read(otherTokens, comparing());
    if (!loss.isWhole) return;
    survey.noise = noiseBetween(survey.baseline, loss.nats);
    survey.noise->blockTokens = otherTokens;
    if (kept) {
      survey.effectNoise = kept->takeMean();
      survey.effectNoise->divergence = std::max(survey.effectNoise->divergence, kept->roundedDivergence());
    }
  }
  while (survey.heads.size() < total) {
    const AblatedHead& wanted = asked[survey.heads.size()];
    AblationSurvey::Head head{.layer = wanted.layer, .head = wanted.head};
    decoder.setInterventions(ablationOf(survey.unit, head.layer, head.head, config, survey.replacement));
    const TextLoss loss = read(decoder.blockTokens(), comparing());
    if (!loss.isWhole) return;
    const std::vector<double> changes = differences(loss.nats, survey.baseline);
    const model::Mean mean = model::meanOf(std::span<const double>(changes));
    head.change = mean.value;
    head.standardError = mean.standardError;
    head.withinNoise = std::abs(mean.value) <= survey.noise->mean;
    if (kept) head.effects = kept->takeMean();
    survey.heads.push_back(head);
  }
  survey.isWhole = true;
}

}  // namespace headroom::evaluation
