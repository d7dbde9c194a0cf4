#include <fstream>

#include <QTemporaryDir>
#include <QTest>

#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "core/training/trainer.h"
#include "tests/support/fixtures.h"

using namespace headroom;
using namespace headroom::training;

namespace {

model::ModelConfig tinyConfig() {
  model::ModelConfig config;
  config.architecture = "llama";
  config.layerCount = 1;
  config.modelDim = 32;
  config.ffnDim = 32;
  config.vocabSize = 20;
  config.contextLength = 16;
  config.attention = {4, 1, 8};
  config.ropeDim = 8;
  return config;
}

/// A text with a rule that can be learnt: every token is followed by (token * 3 + 1) mod 20.
TokenText ruleText(int count) {
  TokenText text;
  int token = 2;
  for (int i = 0; i < count; ++i) {
    text.tokens.push_back(token);
    token = i % 19 == 18 ? (token + 5) % 20 : (token * 3 + 1) % 20;
  }
  text.byteCount = static_cast<std::uint64_t>(2 * count);
  return text;
}

TrainingOptions options(std::int64_t steps) {
  return {.stepCount = steps,
          .warmupSteps = 5,
          .sequencesPerStep = 4,
          .sequenceLength = 16,
          .peakLearningRate = 1e-2f,
          .threadCount = 2,
          .evaluateEvery = 20,
          .checkpointEvery = 10};
}

const std::atomic<bool> kNeverCancel = false;

}  // namespace

class TestTrainer : public QObject {
  Q_OBJECT

 private slots:
  void learnsARule() {
    QTemporaryDir folder;
    Trainer trainer(tinyConfig(), options(120), ruleText(2000), ruleText(300));
    const double before = trainer.validationBitsPerByte();
    std::int64_t lastStep = 0;
    QVERIFY(trainer.run(
        folder.filePath("c").toStdString(),
        [&](const TrainingProgress& progress) {
          QCOMPARE(progress.step, lastStep + 1);
          QVERIFY(progress.secondsLeft >= 0.0);
          lastStep = progress.step;
        },
        kNeverCancel));
    QCOMPARE(lastStep, 120);
    const double after = trainer.validationBitsPerByte();
    // log2(20) / 2 bytes a token = 2.16 bits per byte for a guess; the rule leaves little.
    QVERIFY2(before > 1.8 && before < 2.6, qPrintable(QString::number(before)));
    QVERIFY2(after < 0.5, qPrintable(QString::number(after)));
    QCOMPARE(trainer.points().back().step, 120);
  }

  /// Stopped after any step and taken up again gives the very same weights as an unbroken run.
  void resumesExactly() {
    QTemporaryDir folder;
    const auto ignore = [](const TrainingProgress&) {};
    Trainer unbroken(tinyConfig(), options(40), ruleText(2000), ruleText(300));
    unbroken.run(folder.filePath("a").toStdString(), ignore, kNeverCancel);

    const std::string checkpoint = folder.filePath("b").toStdString();
    std::atomic<bool> cancel = false;
    Trainer first(tinyConfig(), options(40), ruleText(2000), ruleText(300));
    QVERIFY(!first.resume(checkpoint));
    QVERIFY(!first.run(
        checkpoint, [&](const TrainingProgress& progress) { cancel = progress.step >= 17; }, cancel));
    Trainer second(tinyConfig(), options(40), ruleText(2000), ruleText(300));
    QVERIFY(second.resume(checkpoint));
    QCOMPARE(second.stepsDone(), 18);
    QVERIFY(second.run(checkpoint, ignore, kNeverCancel));
    QVERIFY(std::ranges::equal(unbroken.parameters(), second.parameters()));
    QCOMPARE(unbroken.points().size(), second.points().size());
  }

  /// The link stays, what it leads to is written, there before or not; a folder is not replaced.
  void checkpointsGoThroughLinks() {
    QTemporaryDir folder;
    const std::filesystem::path root = folder.path().toStdString();
    std::filesystem::create_directory(root / "deeper");
    std::filesystem::create_symlink("deeper/real", root / "link");
    std::filesystem::create_directory(root / "folder");
    std::atomic<bool> cancel = true;
    for (int time = 0; time < 2; ++time) {
      Trainer trainer(tinyConfig(), options(40), ruleText(2000), ruleText(300));
      QVERIFY(!trainer.run(
          root / "link", [](const TrainingProgress&) {}, cancel));
      QVERIFY(std::filesystem::is_symlink(root / "link"));
      QVERIFY(std::filesystem::is_regular_file(root / "deeper" / "real"));
      QVERIFY_EXCEPTION_THROWN(trainer.run(
                                   root / "folder", [](const TrainingProgress&) {}, cancel),
                               model::Error);
    }
  }

  void refusesAForeignOrDamagedCheckpoint() {
    QTemporaryDir folder;
    const std::string checkpoint = folder.filePath("c").toStdString();
    Trainer trainer(tinyConfig(), options(10), ruleText(2000), ruleText(300));
    trainer.run(
        checkpoint, [](const TrainingProgress&) {}, kNeverCancel);
    Trainer otherSteps(tinyConfig(), options(20), ruleText(2000), ruleText(300));
    QVERIFY_EXCEPTION_THROWN(otherSteps.resume(checkpoint), model::Error);
    std::filesystem::resize_file(checkpoint, std::filesystem::file_size(checkpoint) / 2);
    Trainer again(tinyConfig(), options(10), ruleText(2000), ruleText(300));
    QVERIFY_EXCEPTION_THROWN(again.resume(checkpoint), model::Error);
  }

  void refusesAFullDiskAndShortTexts() {
    Trainer trainer(tinyConfig(), options(10), ruleText(2000), ruleText(300));
    QVERIFY_EXCEPTION_THROWN(trainer.run(
                                 "/proc/no/such/folder/c", [](const TrainingProgress&) {}, kNeverCancel),
                             model::Error);
    QVERIFY_EXCEPTION_THROWN(Trainer(tinyConfig(), options(10), ruleText(16), ruleText(300)), model::Error);
    QVERIFY_EXCEPTION_THROWN(Trainer(tinyConfig(), options(10), ruleText(100), ruleText(5)), model::Error);
  }

  /// The trained weights, run by the float64 reference decoder, have the loss that the trainer states.
  void decoderAgreesWithTheTrainersLoss() {
    QTemporaryDir folder;
    const TokenText valid = ruleText(17);
    Trainer trainer(tinyConfig(), options(30), ruleText(2000), valid);
    trainer.run(
        folder.filePath("c").toStdString(), [](const TrainingProgress&) {}, kNeverCancel);
    model::Model model;
    model.config = tinyConfig();
    model.weights = weightsOf(trainer.layout(), trainer.parameters());
    reference::ReferenceDecoder decoder(model, {});
    const std::vector<float> all = model::allLogits(
        decoder.run(std::span(valid.tokens).first(16), model::Capture::none(), model::LogitsRequest::all()));
    double nats = 0.0;
    for (std::size_t i = 0; i < 16; ++i) {
      const auto logits = std::span(all).subspan(i * 20, 20);
      double sum = 0.0;
      for (float logit : logits) sum += std::exp(static_cast<double>(logit));
      nats += std::log(sum) - logits[static_cast<std::size_t>(valid.tokens[i + 1])];
    }
    const double bitsPerByte = nats / 16 / std::log(2.0) / 2.0;
    QVERIFY2(std::abs(bitsPerByte - trainer.validationBitsPerByte()) < 1e-4,
             qPrintable(QString::number(bitsPerByte)));
  }
};

QTEST_GUILESS_MAIN(TestTrainer)
#include "tst_trainer.moc"
