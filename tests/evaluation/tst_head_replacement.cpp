#include <fmt/format.h>

#include <QTest>
#include <cmath>
#include <memory>

#include "core/evaluation/ablation_survey.h"
#include "core/reference/reference_decoder.h"
#include "tests/evaluation/softmax_sums.h"
#include "tests/evaluation/surveyed_text.h"
#include "tests/support/fixtures.h"
#include "tests/support/random_model.h"
#include "tests/support/uploaded_decoder.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;
using namespace headroom::tests;
using evaluation::AblationSurvey;
using evaluation::AblationUnit;
using evaluation::surveyAblation;
using model::AttentionPattern;
using model::HeadIntervention;
using model::HeadOutput;

Q_DECLARE_METATYPE(model::HeadOutput)

namespace {
/// The text in two windows of 12 and 9 tokens, of which the last predicts nothing.
constexpr std::array<std::pair<std::size_t, std::size_t>, 2> kWindows{{{0, 12}, {12, 9}}};

/// Logits of the text but for its last token, by a decoder of the test's own.
std::vector<float> logitsWith(const model::Model& model, std::span<const int> text,
                              std::span<const HeadIntervention> changes) {
  std::vector<float> all;
  for (const auto& [first, count] : kWindows) {
    reference::ReferenceDecoder fresh(model, {});
    fresh.setInterventions(changes);
    const std::vector<float> part =
        model::allLogits(fresh.run(text.subspan(first, first == 0 ? count : count - 1),
                                   model::Capture::none(), model::LogitsRequest::all()));
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// The mean output of a head over all of the text, summed up here.
std::vector<float> meanOutput(const model::Model& model, std::span<const int> text, int layer, int head) {
  const auto headDim = static_cast<std::size_t>(model.config.attention.headDim);
  std::vector<double> mean(headDim);
  for (const auto& [first, count] : kWindows) {
    reference::ReferenceDecoder fresh(model, {});
    model::Capture capture;
    capture.activations.push_back({model::CapturePoint::HeadOutputs, {layer}});
    for (const model::StepRecord& record : fresh.run(text.subspan(first, count), capture)) {
      const model::Activations& outputs = record.activations.front();
      for (int row = 0; row < outputs.rowCount; ++row) {
        for (std::size_t i = 0; i < headDim; ++i) {
          const std::size_t column = static_cast<std::size_t>(head) * headDim + i;
          mean[i] += static_cast<double>(outputs.row(row)[column]) / static_cast<double>(text.size());
        }
      }
    }
  }
  return {mean.begin(), mean.end()};
}

/// What replaces a query head, written out.
HeadIntervention replacedBy(HeadOutput output, const model::Model& model, std::span<const int> text,
                            int layer, int head) {
  HeadIntervention change{.layer = layer, .queryHead = head};
  const auto headDim = static_cast<std::size_t>(model.config.attention.headDim);
  if (output == HeadOutput::Zero || output == HeadOutput::Mean) change.gain.assign(headDim, 0.0f);
  if (output == HeadOutput::Mean) change.offset = meanOutput(model, text, layer, head);
  if (output == HeadOutput::PreviousToken) change.pattern = AttentionPattern::PreviousToken;
  if (output == HeadOutput::Uniform) change.pattern = AttentionPattern::Uniform;
  if (output == HeadOutput::FirstToken) change.pattern = AttentionPattern::FirstToken;
  if (output == HeadOutput::Scaled) change.gain.assign(headDim, 0.25f);
  return change;
}
}  // namespace

class TestHeadReplacement : public QObject {
  Q_OBJECT

 private:
  VulkanDevice m_gpu;

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// Changes of loss, and logits, from interventions that the test makes itself: a query head, and a KV head
  /// with all that read it.
  void isWhatItSays_data() {
    QTest::addColumn<HeadOutput>("output");
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("zero, MHA") << HeadOutput::Zero << 4;
    QTest::newRow("mean, MHA") << HeadOutput::Mean << 4;
    QTest::newRow("mean, GQA") << HeadOutput::Mean << 2;
    QTest::newRow("mean, MQA") << HeadOutput::Mean << 1;
    QTest::newRow("previous token, GQA") << HeadOutput::PreviousToken << 2;
    QTest::newRow("uniform, MQA") << HeadOutput::Uniform << 1;
    QTest::newRow("first token, MHA") << HeadOutput::FirstToken << 4;
    QTest::newRow("scaled, GQA") << HeadOutput::Scaled << 2;
  }
  void isWhatItSays() {
    QFETCH(HeadOutput, output);
    QFETCH(int, kvHeads);
    const model::Model model = randomModel(smallConfig({4, kvHeads, 16}), Output::Separate);
    const std::vector<int> text = someTokens(21, model.config.vocabSize);
    const auto targets = std::span(text).subspan(1);
    const auto vocabSize = static_cast<std::size_t>(model.config.vocabSize);
    const auto nats = [&](std::span<const HeadIntervention> changes) {
      const std::vector<float> logits = logitsWith(model, text, changes);
      return natsOfRows(std::span<const float>(logits), targets, vocabSize);
    };
    const std::vector<double> with = nats({});
    reference::ReferenceDecoder onHost(model, {.contextLength = 12});
    UploadedDecoder onDevice(m_gpu.device, model, {.contextLength = 12});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      for (const AblationUnit unit : {AblationUnit::QueryHead, AblationUnit::KvHead}) {
        const int heads = unit == AblationUnit::QueryHead ? 4 : kvHeads;
        AblationSurvey survey{.unit = unit, .replacement = {.output = output, .gain = 0.25}};
        surveyAblation(*decoder, text, survey, kNever, {});
        QVERIFY(survey.isWhole);
        QCOMPARE(survey.replacement.meanPositions(), output == HeadOutput::Mean ? 21 : 0);
        QCOMPARE(std::ssize(survey.heads), 2 * heads);
        double largest = 0.0;
        for (const AblationSurvey::Head& head : survey.heads) {
          std::vector<HeadIntervention> changes;
          for (int query = 0; query < 4; ++query) {
            if (query / (4 / heads) == head.head)
              changes.push_back(replacedBy(output, model, text, head.layer, query));
          }
          QCOMPARE(std::ssize(changes), 4 / heads);
          std::vector<double> differences = nats(changes);
          for (std::size_t token = 0; token < with.size(); ++token) differences[token] -= with[token];
          const double expected = meanByHand(differences).mean;
          largest = std::max(largest, std::abs(expected));
          QVERIFY2(
              std::abs(head.change - expected) <= 1e-5,
              fmt::format("layer {}, head {}: {}, expected {}", head.layer, head.head, head.change, expected)
                  .c_str());
        }
        QVERIFY(largest > 1e-3);
        QCOMPARE(decoder->position(), 0);
        decoder->run(std::span(text).first(12), model::Capture::none());
        const std::vector<float> whole = logitsWith(model, text, {});
        QVERIFY(relativeError(decoder->logits(), std::span<const float>(whole).subspan(
                                                     11 * vocabSize, vocabSize)) <= kReferenceF32CacheLimit);
      }
    }
  }

  /// Logits after the last token, of means over these tokens.
  void logitsAfterTheLast() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Separate);
    const std::vector<int> tokens = someTokens(21, model.config.vocabSize);
    const std::span<const int> last = std::span(tokens).first(12);  // the first of the windows
    reference::ReferenceDecoder decoder(model, {});
    std::vector<std::vector<float>> all;
    const int done = evaluation::logitsWithoutHeads(
        decoder, last, AblationUnit::QueryHead, kNever,
        [&](std::span<const float> logits) { all.emplace_back(logits.begin(), logits.end()); },
        {.output = HeadOutput::Mean});
    QCOMPARE(done, 8);
    for (int index = 0; index < 8; ++index) {
      reference::ReferenceDecoder fresh(model, {});
      model::Capture capture;
      capture.activations.push_back({model::CapturePoint::HeadOutputs, {index / 4}});
      std::vector<float> mean(16);
      for (int token = 0; token < 12; ++token) {
        const auto records = fresh.run(last.subspan(static_cast<std::size_t>(token), 1), capture);
        for (std::size_t i = 0; i < 16; ++i)
          mean[i] += records[0].activations[0].row(0)[static_cast<std::size_t>(index % 4) * 16 + i] / 12.0f;
      }
      const HeadIntervention change{
          .layer = index / 4, .queryHead = index % 4, .gain = std::vector<float>(16), .offset = mean};
      fresh.truncate(0);
      fresh.setInterventions(std::span(&change, 1));
      fresh.run(last, model::Capture::none());
      QVERIFY(relativeError(std::span<const float>(all[static_cast<std::size_t>(index)]), fresh.logits()) <=
              1e-6);
    }
  }

  /// Means are measured once, whatever stops the survey, and progress goes on over them.
  void goesOnFromWhereItWasStopped() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Separate);
    const std::vector<int> text = someTokens(4, model.config.vocabSize);
    UploadedDecoder decoder(m_gpu.device, model, {});
    const evaluation::HeadReplacement mean{.output = HeadOutput::Mean};
    AblationSurvey whole{.replacement = mean, .measuresEffects = true};
    surveyAblation(decoder, text, whole, kNever, {});
    AblationSurvey part{.replacement = mean, .measuresEffects = true};
    surveyAblation(decoder, text, part, stopAfter(0), {});
    QVERIFY(part.replacement.means.empty() && part.baseline.empty());
    surveyAblation(decoder, text, part, stopAfter(1), {});
    QCOMPARE(part.replacement.means.size(), 8u);
    QVERIFY(part.baseline.empty());
    part.replacement.means[5].mean[3] += 0.5f;  // kept as it is: it would be gone if it was measured again
    std::vector<std::int64_t> told;
    std::int64_t total = 0;
    surveyAblation(decoder, text, part, kNever, [&](std::int64_t done, std::int64_t of) {
      told.push_back(done);
      total = of;
    });
    QVERIFY(part.isWhole);
    QCOMPARE(total, (8 + 3) * 3);  // means, with all heads twice, and without each
    QCOMPARE(told.front(), 3 + 3);
    QCOMPARE(told.back(), total);
    QVERIFY(std::ranges::is_sorted(told));
    for (std::size_t head = 0; head < 8; ++head)
      QCOMPARE(part.heads[head].change != whole.heads[head].change, head == 5);
  }
};

QTEST_GUILESS_MAIN(TestHeadReplacement)
#include "tst_head_replacement.moc"
