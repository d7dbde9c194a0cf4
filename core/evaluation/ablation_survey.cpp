#include "core/evaluation/ablation_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

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

/// The readings of a text that a survey is made of. Each is false when it was stopped, and leaves the survey
/// as it was then.
class SurveyReadings {
 public:
  SurveyReadings(model::Decoder& decoder, std::span<const int> text, AblationSurvey& survey,
                 std::size_t headsAsked, const StopRequest& stop, const SurveyProgress& progress)
      : m_decoder(decoder),
        m_text(text),
        m_survey(survey),
        m_stop(stop),
        m_progress(progress),
        m_wantsMeans(survey.replacement.output == model::HeadOutput::Mean),
        m_predicted(std::ssize(text) - 1),
        m_total((static_cast<std::int64_t>(headsAsked) + (m_wantsMeans ? 3 : 2)) * m_predicted) {
    if (!survey.measuresEffects) return;
    m_kept.emplace(m_predicted, decoder.config().vocabSize);
    survey.effectPositions = m_kept->positions();
    survey.effectStride = m_kept->stride();
  }

  bool means() {
    // They are over the last token too, which nothing is predicted from.
    return m_survey.replacement.measure(m_decoder, m_text, m_stop, [&](std::int64_t done, std::int64_t) {
      tell(std::min(done, m_predicted));
    });
  }

  /// Also where only distributions are not there any more.
  bool baseline() {
    const bool isNew = m_survey.baseline.empty();
    if (!isNew && !m_kept) return true;
    TextLoss loss = read(m_decoder.blockTokens(), &KeptDistributions::keep, isNew ? Told::Yes : Told::No);
    if (!loss.isWhole || !isNew) return loss.isWhole;
    m_survey.baseline = std::move(loss.nats);
    m_survey.windows = loss.windows;
    return true;
  }

  bool noise() {
    if (m_survey.noise) return true;
    const int otherTokens = m_predicted > kOtherTokens ? kOtherTokens : 1;
    const TextLoss loss = read(otherTokens, &KeptDistributions::compare);
    if (!loss.isWhole) return false;
    m_survey.noise = noiseBetween(m_survey.baseline, loss.nats);
    m_survey.noise->blockTokens = otherTokens;
    if (!m_kept) return true;
    m_survey.effectNoise = m_kept->takeMean();
    m_survey.effectNoise->divergence =
        std::max(m_survey.effectNoise->divergence, m_kept->roundedDivergence());
    return true;
  }

  bool without(const AblatedHead& wanted) {
    AblationSurvey::Head head{.layer = wanted.layer, .head = wanted.head};
    m_decoder.setInterventions(
        ablationOf(m_survey.unit, head.layer, head.head, m_decoder.config(), m_survey.replacement));
    const TextLoss loss = read(m_decoder.blockTokens(), &KeptDistributions::compare);
    if (!loss.isWhole) return false;
    const std::vector<double> changes = differences(loss.nats, m_survey.baseline);
    const model::Mean mean = model::meanOf(std::span<const double>(changes));
    head.change = mean.value;
    head.standardError = mean.standardError;
    head.withinNoise = std::abs(mean.value) <= m_survey.noise->mean;
    if (m_kept) head.effects = m_kept->takeMean();
    m_survey.heads.push_back(head);
    return true;
  }

 private:
  enum class Told { Yes, No };

  void tell(std::int64_t done) const {
    if (m_progress) m_progress(done, m_total);
  }

  /// Rows of logits go to `use` of the kept distributions, where there are any.
  TextLoss read(int blockTokens, void (KeptDistributions::*use)(const PredictedRow&), Told told = Told::Yes) {
    const std::int64_t readings = (m_wantsMeans ? 1 : 0) + (m_survey.baseline.empty() ? 0 : 1) +
                                  (m_survey.noise ? 1 : 0) + std::ssize(m_survey.heads);
    const auto progress = [&](std::int64_t done, std::int64_t) {
      if (told == Told::Yes) tell(readings * m_predicted + done);
    };
    if (!m_kept) return readText(m_decoder, m_text, blockTokens, m_stop, progress);
    return readText(m_decoder, m_text, blockTokens, m_stop, progress,
                    [&](const PredictedRow& row) { std::invoke(use, *m_kept, row); });
  }

  model::Decoder& m_decoder;
  std::span<const int> m_text;
  AblationSurvey& m_survey;
  const StopRequest& m_stop;
  const SurveyProgress& m_progress;
  bool m_wantsMeans;
  std::int64_t m_predicted;
  std::int64_t m_total;
  std::optional<KeptDistributions> m_kept;
};

}  // namespace

void surveyAblation(model::Decoder& decoder, std::span<const int> text, AblationSurvey& survey,
                    const StopRequest& stop, const SurveyProgress& progress) {
  requireLossText(decoder, text);
  const model::ModelConfig& config = decoder.config();
  const std::vector<AblatedHead> asked = survey.asked.empty() ? allHeads(survey.unit, config) : survey.asked;
  requireSameRun(survey, text.size() - 1, asked.size());
  const HeadsRestored guard(decoder);
  survey.isWhole = survey.noise && survey.heads.size() == asked.size();
  if (survey.isWhole) return;
  // A decoder that cannot says so before the text is read.
  decoder.setInterventions(ablationOf(survey.unit, 0, 0, config));
  decoder.setInterventions({});
  SurveyReadings readings(decoder, text, survey, asked.size(), stop, progress);
  if (!readings.means() || !readings.baseline() || !readings.noise()) return;
  while (survey.heads.size() < asked.size()) {
    if (!readings.without(asked[survey.heads.size()])) return;
  }
  survey.isWhole = true;
}

}  // namespace headroom::evaluation
