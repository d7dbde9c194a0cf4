#include <fmt/format.h>

#include <QTest>
#include <array>
#include <cmath>
#include <memory>

#include "core/evaluation/ablation_survey.h"
#include "core/model/error.h"
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
using evaluation::DistributionChange;
using evaluation::KeptDistributions;
using evaluation::surveyAblation;
using model::KernelFamily;

namespace {
AblationSurvey surveyOf(model::Decoder& decoder, std::span<const int> text,
                        const evaluation::StopRequest& stop = kNever) {
  AblationSurvey survey{.measuresEffects = true};
  surveyAblation(decoder, text, survey, stop, {});
  return survey;
}

bool same(const DistributionChange& a, const DistributionChange& b) {
  return a.divergence == b.divergence && a.topChanges == b.topChanges && a.rankChange == b.rankChange;
}

/// Of rows of logits, [rows][vocab], by the definitions; `targets` are the tokens that came.
DistributionChange byHand(std::span<const float> before, std::span<const float> after,
                          std::span<const int> targets, std::size_t vocabSize) {
  DistributionChange change;
  const auto rows = static_cast<double>(targets.size());
  for (std::size_t row = 0; row < targets.size(); ++row) {
    const auto p = before.subspan(row * vocabSize, vocabSize), q = after.subspan(row * vocabSize, vocabSize);
    const auto highest = [](std::span<const float> logits) {
      return std::ranges::max_element(logits) - logits.begin();
    };
    const auto rank = [&](std::span<const float> logits) {
      const float own = logits[static_cast<std::size_t>(targets[row])];
      return std::ranges::count_if(logits, [&](float logit) { return logit > own; });
    };
    for (int token = 0; token < static_cast<int>(vocabSize); ++token) {
      const double pNats = natsOf(p, token), qNats = natsOf(q, token);
      change.divergence += std::exp(-pNats) * (qNats - pNats) / rows;
    }
    change.topChanges += (highest(p) == highest(q) ? 0.0 : 1.0) / rows;
    change.rankChange += static_cast<double>(std::abs(rank(p) - rank(q))) / rows;
  }
  return change;
}
}  // namespace

class TestAblationEffects : public QObject {
  Q_OBJECT

 private:
  VulkanDevice m_gpu;

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// From whole logits that the test asks for itself, over two windows.
  void effectsAreThoseOfWholeLogits_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("MHA") << 4;
    QTest::newRow("GQA") << 2;
    QTest::newRow("MQA") << 1;
  }
  void effectsAreThoseOfWholeLogits() {
    QFETCH(int, kvHeads);
    const model::Model model = randomModel(smallConfig({4, kvHeads, 16}), Output::Separate);
    const std::vector<int> text = someTokens(21, model.config.vocabSize);
    const auto vocabSize = static_cast<std::size_t>(model.config.vocabSize);
    const auto logits = [&](std::span<const model::HeadIntervention> changes) {
      std::vector<float> all;
      for (const auto& [start, count] : {std::pair(0u, 12u), std::pair(12u, 8u)}) {
        reference::ReferenceDecoder fresh(model, {});
        fresh.setInterventions(changes);
        const std::vector<float> part = model::allLogits(fresh.run(
            std::span(text).subspan(start, count), model::Capture::none(), model::LogitsRequest::all()));
        all.insert(all.end(), part.begin(), part.end());
      }
      return all;
    };
    const auto targets = std::span(text).subspan(1);
    const std::vector<float> with = logits({});
    reference::ReferenceDecoder onHost(model, {.contextLength = 12});
    UploadedDecoder onDevice(m_gpu.device, model, {.contextLength = 12});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      const AblationSurvey survey = surveyOf(*decoder, text);
      QVERIFY(survey.isWhole);
      QCOMPARE(survey.effectPositions, 20);
      QCOMPARE(survey.effectStride, 1);
      QCOMPARE(survey.heads.size(), 8u);
      double rankChanges = 0.0, topChanges = 0.0, apart = 0.0;
      for (const AblationSurvey::Head& head : survey.heads) {
        const auto change = model::HeadIntervention::ablation(head.layer, head.head, model.config);
        const std::vector<float> without = logits(std::span(&change, 1));
        const DistributionChange expected = byHand(with, without, targets, vocabSize);
        const std::string what = fmt::format("layer {}, head {}", head.layer, head.head);
        QVERIFY2(
            std::abs(head.effects->divergence - expected.divergence) <= 1e-5,
            fmt::format("{}: {}, expected {}", what, head.effects->divergence, expected.divergence).c_str());
        apart = std::max(
            apart, std::abs(byHand(without, with, targets, vocabSize).divergence - expected.divergence));
        QVERIFY2(std::abs(head.effects->topChanges - expected.topChanges) <= 1e-9, what.c_str());
        QVERIFY2(std::abs(head.effects->rankChange - expected.rankChange) <= 1e-9, what.c_str());
        rankChanges += expected.rankChange;
        topChanges += expected.topChanges;
        // The loss is that of the same rows.
        std::vector<double> differences = natsOfRows(std::span<const float>(without), targets, vocabSize);
        const std::vector<double> whole = natsOfRows(std::span<const float>(with), targets, vocabSize);
        for (std::size_t token = 0; token < whole.size(); ++token) differences[token] -= whole[token];
        QVERIFY2(std::abs(head.change - meanByHand(differences).mean) <= 1e-5, what.c_str());
      }
      QVERIFY(apart > 5e-5);                           // the other direction is another number
      QVERIFY(rankChanges > 1.0 && topChanges > 0.5);  // heads of a random model matter
    }
  }

  /// Of probabilities 1/2, 1/4, 1/8, 1/8 and others, every fourth of ten positions: by hand.
  void everyFourth() {
    const auto row = [](std::int64_t index, int target, const std::array<double, 4>& probabilities,
                        double shift, std::vector<float>& logits) {
      logits.clear();
      for (const double probability : probabilities)
        logits.push_back(static_cast<float>(std::log(probability) + shift));
      return evaluation::PredictedRow{index, target, logits, shift};
    };
    constexpr std::array<double, 4> kFalling{0.5, 0.25, 0.125, 0.125}, kSwapped{0.25, 0.5, 0.125, 0.125},
        kEqual{0.25, 0.25, 0.25, 0.25};
    // 15 logits are three rows of 4; every fourth of ten are three.
    KeptDistributions kept(10, 4, 15);
    QCOMPARE(kept.stride(), 4);
    QCOMPARE(kept.positions(), 3);
    std::vector<float> logits;
    for (int index = 0; index < 10; ++index)
      kept.keep(row(index, 0, index % 4 == 0 ? kFalling : kEqual, 1.0, logits));
    for (int index = 0; index < 10; ++index) {
      const int target = index == 8 ? 3 : 0;
      const auto& after = index == 0 ? kFalling : index == 4 ? kSwapped : kEqual;
      kept.compare(row(index, target, after, -2.0, logits));
    }
    const DistributionChange mean = kept.takeMean();
    // Swapped: 1/2 ln 2 - 1/4 ln 2. Equal: 1/2 ln 2 - 2/8 ln 2.
    QVERIFY(std::abs(mean.divergence - (0.0 + 0.25 + 0.25) * std::log(2.0) / 3) <= 1e-6);
    QVERIFY(std::abs(mean.topChanges - 1.0 / 3) <= 1e-12);  // of equal ones the first comes first
    // Of token 0: 1 to 2 where swapped, and of token 3, kept as that of token 0, 1 to 4.
    QVERIFY(std::abs(mean.rankChange - (0 + 1 + 3) / 3.0) <= 1e-12);
    for (int index = 0; index < 10; index += 4) kept.compare(row(index, 0, kFalling, 1.0, logits));
    QVERIFY(same(kept.takeMean(), {}));
    // One position is always there, and a text that fits is there as a whole.
    QCOMPARE(KeptDistributions(10, 4, 1).positions(), 1);
    QCOMPARE(KeptDistributions(10, 4, 40).stride(), 1);
    QCOMPARE(KeptDistributions(10, 4, 39).stride(), 2);
    QCOMPARE(KeptDistributions(10, 4, 39).positions(), 5);
  }

  /// The floors are what another split does, taken here from two readings; of the divergence at least what
  /// floats tell apart.
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
    const auto vocabSize = static_cast<std::size_t>(model.config.vocabSize);
    UploadedDecoder decoder(m_gpu.device, model, {.kernels = {.family = family}});
    const AblationSurvey stopped = surveyOf(decoder, text, stopAfter(1 + 12));
    QVERIFY(stopped.effectNoise && stopped.heads.empty() && !stopped.isWhole);
    const auto logitsBy = [&](std::size_t blockTokens) {
      std::vector<float> all;
      decoder.truncate(0);
      for (std::size_t first = 0; first < 60; first += blockTokens) {
        const auto part =
            model::allLogits(decoder.run(std::span(text).subspan(first, std::min(blockTokens, 60 - first)),
                                         model::Capture::none(), model::LogitsRequest::all()));
        all.insert(all.end(), part.begin(), part.end());
      }
      return all;
    };
    const std::vector<float> one = logitsBy(60), other = logitsBy(5);
    QCOMPARE(one != other, moves);
    const DistributionChange expected = byHand(one, other, std::span(text).subspan(1), vocabSize);
    double rounded = 0.0;
    for (std::size_t row = 0; row < 60; ++row) {
      double largest = 0.0;
      for (const float logit : std::span(one).subspan(row * vocabSize, vocabSize))
        largest = std::max(largest, std::abs(static_cast<double>(logit)));
      // Floats from 4 to 8 lie 2^-21 apart, and so on.
      const double step = std::exp2(std::floor(std::log2(largest)) - 23);
      rounded += step * step / 2 / 60;
    }
    QVERIFY(expected.divergence < 1e-9);
    const double floor = std::max(expected.divergence, rounded);
    QVERIFY2(std::abs(stopped.effectNoise->divergence - floor) <= 1e-3 * floor + 1e-15,
             fmt::format("{}, expected {}", stopped.effectNoise->divergence, floor).c_str());
    QCOMPARE(stopped.effectNoise->topChanges, expected.topChanges);
    QCOMPARE(stopped.effectNoise->rankChange, expected.rankChange);
  }

  /// Without a head that W_O does not read, every distribution is the same, and only then.
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
    for (std::size_t index = 0; index < 8; ++index) {
      const auto seen = seenAbove(*survey.effectNoise, *survey.heads[index].effects);
      QCOMPARE(seen.divergence.has_value(), index != kUnreadHead);
      QCOMPARE(seen.rankChange.has_value(), index != kUnreadHead);
      if (index == kUnreadHead) QVERIFY(!seen.topChanges);
      if (seen.rankChange) QCOMPARE(*seen.rankChange, survey.heads[index].effects->rankChange);
    }
  }

  /// Stopped wherever, and taken up again: the same bits.
  void goesOnFromWhereItWasStopped() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Separate);
    const std::vector<int> text = someTokens(4, model.config.vocabSize);
    UploadedDecoder decoder(m_gpu.device, model, {});
    const AblationSurvey whole = surveyOf(decoder, text);
    AblationSurvey part{.measuresEffects = true};
    int runs = 0;
    for (; !part.isWhole && runs < 100; ++runs) {
      const auto measured = std::ssize(part.heads);
      // All heads are read again for a step; the other split has three.
      surveyAblation(decoder, text, part, stopAfter(1 + std::max(1, runs % 4)), {});
      QVERIFY(std::ssize(part.heads) >= measured);
      QCOMPARE(decoder.position(), 0);
    }
    QVERIFY(runs > 2 && runs < 100);
    QVERIFY(same(*part.effectNoise, *whole.effectNoise));
    for (std::size_t head = 0; head < 8; ++head) {
      QVERIFY(same(*part.heads[head].effects, *whole.heads[head].effects));
      QCOMPARE(part.heads[head].change, whole.heads[head].change);
    }
    surveyAblation(decoder, text, part, stopAfter(0), {});  // nothing is left to read
    QVERIFY(part.isWhole);
  }

  void effectsAreNotAddedLater() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Separate);
    reference::ReferenceDecoder decoder(model, {});
    const std::vector<int> text{5, 6, 7};
    AblationSurvey survey;
    surveyAblation(decoder, text, survey, kNever, {});
    QVERIFY(!survey.heads[0].effects && !survey.effectNoise);
    survey.measuresEffects = true;
    try {
      surveyAblation(decoder, text, survey, kNever, {});
      QFAIL("It went on.");
    } catch (const model::Error& error) {
      QCOMPARE(
          QString(error.what()),
          QString("What was measured of 8 heads is without effects on distributions, which are asked for "
                  "now"));
    }
  }
};

QTEST_GUILESS_MAIN(TestAblationEffects)
#include "tst_ablation_effects.moc"
