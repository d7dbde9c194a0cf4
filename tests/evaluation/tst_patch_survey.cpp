#include <fmt/format.h>

#include <QTest>
#include <cmath>
#include <memory>

#include "core/evaluation/patch_survey.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "tests/evaluation/surveyed_text.h"
#include "tests/support/architecture_models.h"
#include "tests/support/edited_model.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;
using namespace headroom::tests;
using evaluation::PatchPlace;
using evaluation::PatchQuestion;
using evaluation::PatchSurvey;
using evaluation::surveyPatches;
using model::CapturePoint;

namespace {
constexpr double kDeviceLimit = 2e-4;  // of logits of a few units, by sums of floats
constexpr double kHostLimit = 2e-6;    // of logits that are handed back as floats

/// Texts that differ at two positions.
const PatchQuestion kQuestion{.clean = {5, 70, 131, 12, 200, 9, 33},
                              .corrupt = {5, 71, 131, 12, 99, 9, 33},
                              .answer = 17,
                              .otherAnswer = 101};

PatchSurvey surveyOf(const model::Model& model, PatchPlace place, const PatchQuestion& question = kQuestion) {
  return surveyPatches(model, question, place, 0, kNever, {});
}

double difference(std::span<const float> logits) {
  return static_cast<double>(logits[17]) - static_cast<double>(logits[101]);
}
double differenceAfter(model::Decoder& decoder, std::span<const int> tokens) {
  decoder.truncate(0);
  decoder.run(tokens, model::Capture::none());
  return difference(decoder.logits());
}

/// Values at a point of a layer, [tokens][columns], of a text read at once.
model::Activations valuesOf(model::Decoder& decoder, std::span<const int> tokens, CapturePoint point,
                            int layer) {
  decoder.truncate(0);
  return *decoder.run(tokens, {.activations = {{point, {layer}}}}).front().find(point, layer);
}
}  // namespace

class TestPatchSurvey : public QObject {
  Q_OBJECT

 private:
  VulkanDevice m_gpu;

  static void compare(double actual, double expected, double limit, const std::string& what) {
    QVERIFY2(std::abs(actual - expected) <= limit,
             fmt::format("{}: {}, expected {}", what, actual, expected).c_str());
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// On the device, by interventions: the corrupt text goes in token by token, and before each the head is
  /// replaced by what it gave for that position of the clean one.
  void headsAreThoseOfSteps_data() {
    QTest::addColumn<int>("row");
    const auto rows = architectureRows();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      // Every block form and norm, MHA, GQA and MQA among them.
      for (const char* name : {"llama", "qwen3", "gemma2", "gpt2", "falcon", "phi2", "gptneox, sequential"}) {
        if (rows[row].name == name) QTest::newRow(name) << static_cast<int>(row);
      }
    }
  }
  void headsAreThoseOfSteps() {
    QFETCH(int, row);
    const model::Model model =
        randomModel(architectureRows()[static_cast<std::size_t>(row)].config, Output::Separate);
    const PatchSurvey survey = surveyOf(model, PatchPlace::Heads);
    const auto heads = static_cast<std::size_t>(model.config.attention.queryHeadCount);
    const auto headDim = static_cast<std::size_t>(model.config.attention.headDim);
    QVERIFY(survey.isWhole);
    QCOMPARE(survey.columns, static_cast<int>(heads));
    QCOMPARE(survey.effects.size(), 2 * heads);
    UploadedDecoder decoder(m_gpu.device, model, {});
    const double corrupt = differenceAfter(decoder, kQuestion.corrupt);
    compare(survey.cleanDifference, differenceAfter(decoder, kQuestion.clean), kDeviceLimit, "clean");
    compare(survey.corruptDifference, corrupt, kDeviceLimit, "corrupt");
    double largest = 0.0;
    for (int layer = 0; layer < 2; ++layer) {
      const model::Activations outputs = valuesOf(decoder, kQuestion.clean, CapturePoint::HeadOutputs, layer);
      for (std::size_t head = 0; head < heads; ++head) {
        decoder.truncate(0);
        for (int position = 0; position < 7; ++position) {
          const auto given = outputs.row(position).subspan(head * headDim, headDim);
          const model::HeadIntervention change = {.layer = layer,
                                                  .queryHead = static_cast<int>(head),
                                                  .gain = std::vector<float>(headDim),
                                                  .offset = {given.begin(), given.end()}};
          decoder.setInterventions(std::span(&change, 1));
          decoder.run(std::span(kQuestion.corrupt).subspan(static_cast<std::size_t>(position), 1),
                      model::Capture::none());
        }
        const double effect = survey.effects[static_cast<std::size_t>(layer) * heads + head];
        compare(effect, difference(decoder.logits()) - corrupt, kDeviceLimit,
                fmt::format("head {} of layer {}", head, layer));
        largest = std::max(largest, std::abs(effect));
        decoder.setInterventions({});
      }
    }
    QVERIFY(largest > 100 * kDeviceLimit);
  }

  /// Before the first layer a position's stream is its token's: the same as another text.
  void beforeTheFirstLayerATokenIsSwapped_data() {
    QTest::addColumn<int>("row");
    const auto rows = architectureRows();
    for (std::size_t row = 0; row < rows.size(); ++row)
      QTest::newRow(rows[row].name.c_str()) << static_cast<int>(row);
  }
  void beforeTheFirstLayerATokenIsSwapped() {
    QFETCH(int, row);
    const model::Model model =
        randomModel(architectureRows()[static_cast<std::size_t>(row)].config, Output::Separate);
    const PatchSurvey survey = surveyOf(model, PatchPlace::Residual);
    QCOMPARE(survey.columns, 7);
    QCOMPARE(survey.effects.size(), 3u * 7);
    reference::ReferenceDecoder decoder(model, {});
    const double clean = differenceAfter(decoder, kQuestion.clean);
    const double corrupt = differenceAfter(decoder, kQuestion.corrupt);
    compare(survey.cleanDifference, clean, kHostLimit, "clean");
    compare(survey.corruptDifference, corrupt, kHostLimit, "corrupt");
    for (std::size_t position = 0; position < 7; ++position) {
      std::vector<int> mixed = kQuestion.corrupt;
      mixed[position] = kQuestion.clean[position];
      compare(survey.effects[position], differenceAfter(decoder, mixed) - corrupt, kHostLimit,
              fmt::format("position {}", position));
      // The same token is no copy at all.
      if (kQuestion.clean[position] == kQuestion.corrupt[position]) QCOMPARE(survey.effects[position], 0.0);
    }
    QVERIFY(std::abs(survey.effects[1]) > 1e-3 && std::abs(survey.effects[4]) > 1e-3);
    // After the last layer only the last position is read, and it is all that the clean text has to say.
    for (std::size_t position = 0; position < 6; ++position) QCOMPARE(survey.effects[14 + position], 0.0);
    QCOMPARE(survey.effects[14 + 6] + survey.corruptDifference, survey.cleanDifference);
  }

  /// Between layers: a model of the layers behind, whose tokens' embeddings are the streams there.
  void betweenLayersStreamsAreSwapped_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("MHA") << 4;
    QTest::newRow("GQA") << 2;
    QTest::newRow("MQA") << 1;
  }
  void betweenLayersStreamsAreSwapped() {
    QFETCH(int, kvHeads);
    model::ModelConfig config = smallConfig({4, kvHeads, 16});
    config.layerCount = 3;
    const model::Model model = randomModel(config, Output::Separate);
    const PatchSurvey survey = surveyOf(model, PatchPlace::Residual);
    UploadedDecoder whole(m_gpu.device, model, {});
    const double corrupt = differenceAfter(whole, kQuestion.corrupt);
    for (const int layer : {1, 2}) {
      const model::Activations clean = valuesOf(whole, kQuestion.clean, CapturePoint::Residual, layer);
      const model::Activations streams = valuesOf(whole, kQuestion.corrupt, CapturePoint::Residual, layer);
      for (int position = 0; position < 7; ++position) {
        EditableModel rest{randomModel(config, Output::Separate)};
        rest.model.weights.layers.erase(rest.model.weights.layers.begin(),
                                        rest.model.weights.layers.begin() + layer);
        rest.model.config.layerCount = 3 - layer;
        const std::span<float> embedding = rest.edit(rest.model.weights.tokenEmbedding);  // [vocab][64]
        for (int token = 0; token < 7; ++token) {
          const auto stream = token == position ? clean.row(token) : streams.row(token);
          std::ranges::copy(stream, embedding.subspan(static_cast<std::size_t>(token) * 64).begin());
        }
        UploadedDecoder decoder(m_gpu.device, rest.model, {});
        const double expected = differenceAfter(decoder, std::vector{0, 1, 2, 3, 4, 5, 6}) - corrupt;
        compare(survey.effects[static_cast<std::size_t>(layer * 7 + position)], expected, kDeviceLimit,
                fmt::format("layer {}, position {}", layer, position));
      }
      QVERIFY(std::abs(survey.effects[static_cast<std::size_t>(layer * 7 + 4)]) > 10 * kDeviceLimit);
      QCOMPARE(survey.effects[static_cast<std::size_t>(layer * 7)], 0.0);  // nothing differed until there
    }
  }

  void theSameTextTwice() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    PatchQuestion question = kQuestion;
    question.corrupt = question.clean;
    for (const PatchPlace place : {PatchPlace::Heads, PatchPlace::Residual}) {
      const PatchSurvey survey = surveyOf(model, place, question);
      QCOMPARE(survey.cleanDifference, survey.corruptDifference);
      QCOMPARE(std::ranges::count(survey.effects, 0.0), std::ssize(survey.effects));
      QVERIFY(survey.isWhole && !survey.effects.empty());
    }
  }

  void stopping() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    const PatchSurvey whole = surveyOf(model, PatchPlace::Heads);
    int asked = 0;
    std::int64_t told = 0;
    const PatchSurvey part = surveyPatches(
        model, kQuestion, PatchPlace::Heads, 0, [&] { return ++asked > 5; },
        [&](std::int64_t done, std::int64_t total) {
          QCOMPARE(done, ++told);
          QCOMPARE(total, 8);
        });
    QVERIFY(!part.isWhole);
    QCOMPARE(told, 5);
    QVERIFY(std::ranges::equal(part.effects, std::span(whole.effects).first(5)));
  }

  void refusals_data() {
    QTest::addColumn<std::vector<int>>("clean");
    QTest::addColumn<std::vector<int>>("corrupt");
    QTest::addColumn<int>("answer");
    QTest::addColumn<QString>("sentence");
    using Ids = std::vector<int>;
    QTest::newRow("other lengths") << Ids{1, 2, 3} << Ids{1, 2} << 0
                                   << "has 3 tokens and the corrupt one 2, expected as many in both";
    QTest::newRow("nothing") << Ids{} << Ids{} << 0 << "has 0 tokens";
    QTest::newRow("a foreign token") << Ids{1, 2} << Ids{1, 999} << 0 << "999";
    QTest::newRow("a foreign answer") << Ids{1, 2} << Ids{1, 3} << 1999 << "1999";
    QTest::newRow("too long") << Ids(9, 1) << Ids(9, 2) << 0 << "have 9 tokens, the context holds 8";
  }
  void refusals() {
    QFETCH(std::vector<int>, clean);
    QFETCH(std::vector<int>, corrupt);
    QFETCH(int, answer);
    QFETCH(QString, sentence);
    const model::Model model = randomModel(smallConfig({4, 1, 16}), Output::Tied);
    try {
      surveyPatches(model, {.clean = clean, .corrupt = corrupt, .answer = 0, .otherAnswer = answer},
                    PatchPlace::Heads, 8, kNever, {});
      QFAIL("It was computed.");
    } catch (const model::Error& error) {
      QVERIFY2(QString(error.what()).contains(sentence), error.what());
    }
  }
};

QTEST_GUILESS_MAIN(TestPatchSurvey)
#include "tst_patch_survey.moc"
