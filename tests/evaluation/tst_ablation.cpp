#include <fmt/format.h>

#include <QTest>
#include <cmath>
#include <memory>

#include "core/evaluation/ablation_survey.h"
#include "core/evaluation/text_loss.h"
#include "core/formats/load_model.h"
#include "core/formats/npy.h"
#include "core/model/error.h"
#include "core/model/trace_decoder.h"
#include "core/reference/reference_decoder.h"
#include "tests/evaluation/softmax_sums.h"
#include "tests/evaluation/surveyed_text.h"
#include "tests/support/edited_model.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;
using namespace headroom::tests;
using evaluation::AblationSurvey;
using evaluation::AblationUnit;
using evaluation::surveyAblation;
using model::KernelFamily;

namespace {
/// [layers * heads][vocab].
std::vector<std::vector<float>> logitsWithout(model::Decoder& decoder, std::span<const int> tokens,
                                              AblationUnit unit) {
  std::vector<std::vector<float>> all;
  const int done = evaluation::logitsWithoutHeads(
      decoder, tokens, unit, kNever,
      [&](std::span<const float> logits) { all.emplace_back(logits.begin(), logits.end()); });
  if (done != static_cast<int>(all.size())) all.clear();
  return all;
}

/// One query head away, as a change written out here.
model::HeadIntervention away(int layer, int queryHead, const model::ModelConfig& config) {
  return {.layer = layer,
          .queryHead = queryHead,
          .gain = std::vector<float>(static_cast<std::size_t>(config.attention.headDim))};
}

bool same(const AblationSurvey& a, const AblationSurvey& b) {
  const auto alike = [](const AblationSurvey::Head& one, const AblationSurvey::Head& other) {
    return one.layer == other.layer && one.head == other.head && one.change == other.change &&
           one.standardError == other.standardError && one.withinNoise == other.withinNoise;
  };
  return a.isWhole == b.isWhole && a.unit == b.unit && a.baseline == b.baseline && a.windows == b.windows &&
         a.noise->mean == b.noise->mean && a.noise->largest == b.noise->largest &&
         std::ranges::equal(a.heads, b.heads, alike);
}

AblationSurvey surveyOf(model::Decoder& decoder, std::span<const int> text,
                        AblationUnit unit = AblationUnit::QueryHead,
                        const evaluation::StopRequest& stop = kNever) {
  AblationSurvey survey{.unit = unit};
  surveyAblation(decoder, text, survey, stop, {});
  return survey;
}

}  // namespace

class TestAblation : public QObject {
  Q_OBJECT

 private:
  VulkanDevice m_gpu;

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// Without each query head, against transformers in float64; afterwards the decoder is whole and empty.
  void logitsAreTheirs_data() {
    QTest::addColumn<QString>("folder");
    for (const char* name :
         {"gpt2-MHA", "phi2-MHA", "qwen2-GQA", "mistral-window-GQA", "llama-mqa-hd-MQA", "gemma-MQA"})
      QTest::newRow(name) << QString(name);
  }
  void logitsAreTheirs() {
    QFETCH(QString, folder);
    const std::string path = fixturePath("checkpoints2/" + folder.toStdString());
    const model::Model model = formats::loadModel(path);
    const formats::NpyArray ablation = formats::readNpy(path + "/ablation.npy");
    const formats::NpyArray whole = formats::readNpy(path + "/logits.npy");
    const std::vector<int> tokens = readIds(readText(path + "/tokens.txt"));
    const auto first = std::span<const int>(tokens).first(24);
    const auto vocabSize = static_cast<std::size_t>(ablation.shape[2]);
    reference::ReferenceDecoder onHost(model, {});
    UploadedDecoder onDevice(m_gpu.device, model, {});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      const double limit = decoder == &onHost ? 1e-6 : kF32LogitsLimit;
      decoder->run(first.first(3), model::Capture::none());  // not empty before
      const auto logits = logitsWithout(*decoder, first, AblationUnit::QueryHead);
      QCOMPARE(std::ssize(logits), ablation.shape[0] * ablation.shape[1]);
      for (std::size_t head = 0; head < logits.size(); ++head) {
        const double error =
            relativeError(std::span<const float>(logits[head]),
                          std::span<const double>(ablation.values).subspan(head * vocabSize, vocabSize));
        QVERIFY2(error <= limit,
                 fmt::format("head {}, {}: {:.1e}", head, decoder->deviceName(), error).c_str());
      }
      QCOMPARE(decoder->position(), 0);
      decoder->run(first, model::Capture::none());
      QVERIFY(relativeError(decoder->logits(),
                            std::span<const double>(whole.values).subspan(23 * vocabSize, vocabSize)) <=
              limit);
    }
  }

  /// A KV head away is every query head of its group away, counted out by hand.
  void aKvHeadIsItsGroup_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<std::vector<int>>(
        "groupOfHead1");  // query heads of the last but one KV head, or of the only
    QTest::newRow("MHA") << 6 << std::vector<int>{4};
    QTest::newRow("GQA") << 3 << std::vector<int>{2, 3};
    QTest::newRow("MQA") << 1 << std::vector<int>{0, 1, 2, 3, 4, 5};
  }
  void aKvHeadIsItsGroup() {
    QFETCH(int, kvHeads);
    QFETCH(std::vector<int>, groupOfHead1);
    const model::Model model = randomModel(smallConfig({6, kvHeads, 16}), Output::Tied);
    const std::vector<int> tokens = someTokens(9, model.config.vocabSize);
    const int kvHead = std::max(0, kvHeads - 2);
    reference::ReferenceDecoder onHost(model, {});
    UploadedDecoder onDevice(m_gpu.device, model, {});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      const auto logits = logitsWithout(*decoder, tokens, AblationUnit::KvHead);
      QCOMPARE(std::ssize(logits), 2 * kvHeads);
      const auto byHand = [&](int layer) {
        std::vector<model::HeadIntervention> changes;
        for (const int head : groupOfHead1) changes.push_back(away(layer, head, model.config));
        decoder->truncate(0);
        decoder->setInterventions(changes);
        decoder->run(tokens, model::Capture::none());
        return decoder->logits();
      };
      for (const int layer : {0, 1})
        QVERIFY(
            std::ranges::equal(byHand(layer), logits[static_cast<std::size_t>(layer * kvHeads + kvHead)]));
    }
  }

  void stoppedLogits() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    reference::ReferenceDecoder decoder(model, {});
    int told = 0;
    const int done = evaluation::logitsWithoutHeads(decoder, someTokens(5, 100), AblationUnit::QueryHead,
                                                    stopAfter(3), [&](std::span<const float>) { ++told; });
    QCOMPARE(done, 3);
    QCOMPARE(told, 3);
    QCOMPARE(decoder.position(), 0);
  }

  /// Changes of loss from whole logits that the test asks for itself, over two windows.
  void changesAreThoseOfWholeLogits_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("MHA") << 4;
    QTest::newRow("GQA") << 2;
    QTest::newRow("MQA") << 1;
  }
  void changesAreThoseOfWholeLogits() {
    QFETCH(int, kvHeads);
    const model::Model model = randomModel(smallConfig({4, kvHeads, 16}), Output::Separate);
    const std::vector<int> text = someTokens(21, model.config.vocabSize);
    const auto vocabSize = static_cast<std::size_t>(model.config.vocabSize);
    const auto nats = [&](std::span<const model::HeadIntervention> changes) {
      std::vector<double> all;
      for (const std::size_t start : {0u, 12u}) {
        reference::ReferenceDecoder fresh(model, {});
        fresh.setInterventions(changes);
        const auto window = std::span(text).subspan(start, start == 0 ? 12 : 8);
        const std::vector<float> logits =
            model::allLogits(fresh.run(window, model::Capture::none(), model::LogitsRequest::all()));
        const auto part = natsOfRows(std::span<const float>(logits),
                                     std::span(text).subspan(start + 1, window.size()), vocabSize);
        all.insert(all.end(), part.begin(), part.end());
      }
      return all;
    };
    const std::vector<double> with = nats({});
    reference::ReferenceDecoder onHost(model, {.contextLength = 12});
    UploadedDecoder onDevice(m_gpu.device, model, {.contextLength = 12});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      const AblationSurvey survey = surveyOf(*decoder, text);
      QVERIFY(survey.isWhole);
      QCOMPARE(survey.windows, 2);
      QCOMPARE(survey.heads.size(), 8u);
      QCOMPARE(survey.baseline.size(), 20u);
      for (int index = 0; index < 8; ++index) {
        const AblationSurvey::Head& head = survey.heads[static_cast<std::size_t>(index)];
        QCOMPARE(head.layer, index / 4);
        QCOMPARE(head.head, index % 4);
        const model::HeadIntervention change = away(head.layer, head.head, model.config);
        std::vector<double> differences = nats(std::span(&change, 1));
        for (std::size_t token = 0; token < with.size(); ++token) differences[token] -= with[token];
        const MeanByHand expected = meanByHand(differences);
        QVERIFY(std::abs(expected.mean) > 1e-4);  // a random model leans on each
        QVERIFY2(std::abs(head.change - expected.mean) <= 1e-5,
                 fmt::format("{}: {}, expected {}", index, head.change, expected.mean).c_str());
        QVERIFY(std::abs(head.standardError - expected.standardError) <= 1e-5);
        QVERIFY(!head.withinNoise);
      }
    }
  }

  /// The floor is what another split does, taken here from two readings; where that is nothing, what a float
  /// can hold.
  void theFloorIsThatOfAnotherSplit_data() {
    QTest::addColumn<KernelFamily>("family");
    QTest::addColumn<bool>("moves");
    QTest::newRow("tiles and rows") << KernelFamily::Rows << true;
    QTest::newRow("the same kernel for both") << KernelFamily::Packed << false;
  }
  void theFloorIsThatOfAnotherSplit() {
    QFETCH(KernelFamily, family);
    QFETCH(bool, moves);
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Separate);
    const std::vector<int> text = someTokens(61, model.config.vocabSize);
    UploadedDecoder decoder(m_gpu.device, model, {.kernels = {.family = family}});
    const auto stopped = surveyOf(decoder, text, AblationUnit::QueryHead, stopAfter(1 + 12));
    QVERIFY(stopped.noise && stopped.heads.empty() && !stopped.isWhole);
    const auto one = evaluation::readText(decoder, text, 64, kNever).nats;
    const auto other = evaluation::readText(decoder, text, 5, kNever).nats;
    QCOMPARE(one != other, moves);
    double sum = 0.0, largest = 0.0;
    for (std::size_t token = 0; token < one.size(); ++token) {
      // Floats from 4 to 8 lie 2^-21 apart, and so on.
      const double apart = std::exp2(std::floor(std::log2(static_cast<double>(one[token]))) - 23);
      const double moved =
          std::max(apart, std::abs(static_cast<double>(one[token]) - static_cast<double>(other[token])));
      sum += moved;
      largest = std::max(largest, moved);
    }
    QVERIFY(std::abs(stopped.noise->mean - sum / 60) <= 1e-12);
    QCOMPARE(stopped.noise->largest, largest);
    QVERIFY(stopped.noise->mean < 1e-4);
  }

  /// A head that W_O does not read is worth nothing, and only that.
  void aHeadThatNobodyReads_data() {
    QTest::addColumn<KernelFamily>("family");
    QTest::newRow("packed") << KernelFamily::Packed;
    QTest::newRow("rows") << KernelFamily::Rows;
  }
  void aHeadThatNobodyReads() {
    QFETCH(KernelFamily, family);
    const EditableModel edited = modelWithUnreadHead();
    const std::vector<int> text = someTokens(40, edited.model.config.vocabSize);
    UploadedDecoder decoder(m_gpu.device, edited.model, {.kernels = {.family = family}});
    const AblationSurvey survey = surveyOf(decoder, text);
    QCOMPARE(survey.heads.size(), 8u);
    for (std::size_t index = 0; index < 8; ++index)
      QCOMPARE(survey.heads[index].withinNoise, index == kUnreadHead);
  }

  /// Stopped wherever, as often as it may be, and taken up again: the same bits.
  void goesOnFromWhereItWasStopped_data() {
    QTest::addColumn<int>("steps");
    QTest::addColumn<AblationUnit>("unit");
    for (const int steps : {1, 3, 7}) {
      QTest::addRow("every %d steps", steps) << steps << AblationUnit::QueryHead;
      QTest::addRow("every %d steps, KV heads", steps) << steps << AblationUnit::KvHead;
    }
  }
  void goesOnFromWhereItWasStopped() {
    QFETCH(int, steps);
    QFETCH(AblationUnit, unit);
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Separate);
    const std::vector<int> text = someTokens(4, model.config.vocabSize);  // 3 to feed: 1 step, or 3
    UploadedDecoder decoder(m_gpu.device, model, {});
    const AblationSurvey whole = surveyOf(decoder, text, unit);
    QVERIFY(whole.isWhole);
    AblationSurvey part{.unit = unit};
    int runs = 0;
    for (std::int64_t total = 0; !part.isWhole && runs < 100; ++runs) {
      const auto measured = std::ssize(part.heads);
      const bool hadAll = part.noise.has_value();
      std::int64_t first = -1;
      // A reading that a stop always cuts would never end: 3 steps are the longest.
      surveyAblation(decoder, text, part, stopAfter(std::max(steps, runs % 4)),
                     [&](std::int64_t done, std::int64_t of) {
                       if (first < 0) first = done;
                       total = of;
                     });
      // Nothing is measured again: reads of 3 tokens each.
      if (hadAll && first >= 0) QCOMPARE(first, (2 + measured) * 3 + 3);
      QVERIFY(std::ssize(part.heads) >= measured);
      if (total > 0) QCOMPARE(total, 3 * (2 + std::ssize(whole.heads)));
      QCOMPARE(decoder.position(), 0);
    }
    QVERIFY(runs > 1);
    QVERIFY(same(part, whole));
    // Of a whole one there is nothing left to do.
    surveyAblation(decoder, text, part, stopAfter(0), {});
    QVERIFY(same(part, whole));
  }

  /// Whatever passes, the decoder is as it was, of a batch every sequence; what was measured stays.
  void anExceptionLeavesTheDecoder() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Separate);
    const std::vector<int> text = someTokens(12, model.config.vocabSize);
    reference::ReferenceDecoder onHost(model, {.batch = 2});
    UploadedDecoder onDevice(m_gpu.device, model, {.batch = 2});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      decoder->run(text, model::Capture::none());
      const std::vector<float> before(decoder->logits().begin(), decoder->logits().end());
      int told = 0;
      AblationSurvey survey;
      QVERIFY_THROWS_EXCEPTION(model::Cancelled, surveyAblation(*decoder, text, survey, kNever,
                                                                [&](std::int64_t done, std::int64_t) {
                                                                  told = static_cast<int>(done);
                                                                  if (done > 3 * 11)
                                                                    throw model::Cancelled("enough");
                                                                }));
      QCOMPARE(told, 4 * 11);  // in the middle of the second head
      QCOMPARE(survey.heads.size(), 1u);
      QVERIFY_THROWS_EXCEPTION(
          model::Cancelled,
          evaluation::logitsWithoutHeads(*decoder, text, AblationUnit::KvHead, kNever,
                                         [](std::span<const float>) { throw model::Cancelled("enough"); }));
      for (const int sequence : {0, 1}) QCOMPARE(decoder->positionOf(sequence), 0);
      decoder->run(text, model::Capture::none());
      QVERIFY(std::ranges::equal(decoder->logits(), before));
      surveyAblation(*decoder, text, survey, kNever, {});
      QVERIFY(same(survey, surveyOf(*decoder, text)));
    }
  }

  void refusals() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Separate);
    reference::ReferenceDecoder decoder(model, {.contextLength = 8});
    const auto refusal = [&](const auto& work) -> std::string {
      try {
        work();
      } catch (const model::Error& error) {
        return error.what();
      }
      return {};
    };
    const std::vector<int> one{5}, text{5, 6, 7};
    QVERIFY(refusal([&] { surveyOf(decoder, one); }).starts_with("The text has 1 token, expected 2 or more"));
    AblationSurvey measured = surveyOf(decoder, text);
    const std::vector<int> longer{5, 6, 7, 8};
    QCOMPARE(
        refusal([&] { surveyAblation(decoder, longer, measured, kNever, {}); }),
        std::string(
            "What was measured is of 2 predicted tokens and 8 heads, expected 3 tokens and at most 8 heads"));
    const std::vector<int> tooLong(9, 1);
    QVERIFY(refusal([&] {
              logitsWithout(decoder, tooLong, AblationUnit::QueryHead);
            }).find("9 tokens, the context holds 8") != std::string::npos);
    model::Trace trace;
    trace.writer = "someone";
    trace.config = model.config;
    trace.tokens = text;
    trace.config.contextLength = 3;
    model::TraceDecoder played(std::move(trace));
    QVERIFY(refusal([&] { surveyOf(played, text); }).find("only plays what was recorded") !=
            std::string::npos);
    QVERIFY(refusal([&] {
              logitsWithout(played, text, AblationUnit::QueryHead);
            }).find("only plays what was recorded") != std::string::npos);
  }
};

QTEST_GUILESS_MAIN(TestAblation)
#include "tst_ablation.moc"
