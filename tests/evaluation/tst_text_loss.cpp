#include <QTest>
#include <cmath>
#include <memory>

#include "core/evaluation/text_loss.h"
#include "core/formats/load_model.h"
#include "core/formats/npy.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "tests/evaluation/softmax_sums.h"
#include "tests/evaluation/surveyed_text.h"
#include "tests/support/fixtures.h"
#include "tests/support/random_model.h"
#include "tests/support/uploaded_decoder.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;
using namespace headroom::tests;
using evaluation::readText;
using evaluation::TextLoss;

namespace {
/// Of the loss of a token of logits near 10, by sums of floats.
constexpr double kLimit = 5e-5;

}  // namespace

class TestTextLoss : public QObject {
  Q_OBJECT

 private:
  VulkanDevice m_gpu;

  static void compare(std::span<const float> actual, const std::vector<double>& expected, double limit) {
    QCOMPARE(actual.size(), expected.size());
    for (std::size_t index = 0; index < expected.size(); ++index) {
      QVERIFY2(std::abs(static_cast<double>(actual[index]) - expected[index]) <= limit,
               qPrintable(QString("token %1: %2, expected %3")
                              .arg(index + 1)
                              .arg(static_cast<double>(actual[index]))
                              .arg(expected[index])));
    }
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// Against the logits of transformers in float64: each token is predicted by the row before it.
  void lossIsThatOfOthersLogits_data() {
    QTest::addColumn<QString>("folder");
    for (const char* name : {"gpt2-MHA", "gemma2-GQA", "llama-mqa-hd-MQA"})
      QTest::newRow(name) << QString(name);
  }
  void lossIsThatOfOthersLogits() {
    QFETCH(QString, folder);
    const std::string path = fixturePath("checkpoints2/" + folder.toStdString());
    const model::Model model = formats::loadModel(path);
    const std::vector<int> tokens = readIds(readText(path + "/tokens.txt"));
    const formats::NpyArray logits = formats::readNpy(path + "/logits.npy");
    const std::vector<double> expected =
        natsOfRows(std::span<const double>(logits.values), std::span(tokens).subspan(1),
                   static_cast<std::size_t>(logits.shape[1]));
    reference::ReferenceDecoder onHost(model, {});
    UploadedDecoder onDevice(m_gpu.device, model, {});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      const TextLoss loss = readText(*decoder, tokens, decoder->blockTokens(), kNever);
      QVERIFY(loss.isWhole);
      QCOMPARE(loss.windows, 1);
      QCOMPARE(decoder->position(), 0);
      compare(loss.nats, expected, kLimit);
    }
  }

  /// A window's first token is predicted by the whole window before it, whatever the steps.
  void windowsBeginEmpty_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("context");
    QTest::addColumn<int>("windows");
    QTest::addColumn<int>("batch");
    QTest::newRow("MHA, windows of 7") << 4 << 7 << 4 << 1;  // 25 tokens are fed
    QTest::newRow("GQA, windows of 5") << 2 << 5 << 5 << 1;
    QTest::newRow("MQA, a window for each token") << 1 << 1 << 25 << 1;
    QTest::newRow("MQA, one window") << 1 << 64 << 1 << 1;
    QTest::newRow("GQA, the last token needs no room") << 2 << 25 << 1 << 1;
    QTest::newRow("GQA, a batch of 3") << 2 << 7 << 4 << 3;
  }
  void windowsBeginEmpty() {
    QFETCH(int, kvHeads);
    QFETCH(int, context);
    QFETCH(int, windows);
    QFETCH(int, batch);
    const model::Model model = randomModel(smallConfig({4, kvHeads, 16}), Output::Separate);
    const std::vector<int> text = someTokens(26, model.config.vocabSize);
    const auto fed = std::span(text).first(25);
    std::vector<double> expected;
    for (std::size_t start = 0; start < fed.size(); start += static_cast<std::size_t>(context)) {
      reference::ReferenceDecoder fresh(model, {});
      const auto window =
          fed.subspan(start, std::min<std::size_t>(fed.size() - start, static_cast<std::size_t>(context)));
      const std::vector<float> logits =
          model::allLogits(fresh.run(window, model::Capture::none(), model::LogitsRequest::all()));
      const auto nats =
          natsOfRows(std::span<const float>(logits), std::span(text).subspan(start + 1, window.size()),
                     static_cast<std::size_t>(model.config.vocabSize));
      expected.insert(expected.end(), nats.begin(), nats.end());
    }
    const model::DecoderOptions options{.contextLength = context, .batch = batch};
    reference::ReferenceDecoder onHost(model, options);
    UploadedDecoder onDevice(m_gpu.device, model, options);
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      decoder->run(std::span(text).first(1), model::Capture::none());  // not empty before
      for (const int block : {64, 4, 1}) {
        std::int64_t told = 0, total = 0;
        const TextLoss loss =
            readText(*decoder, text, block, kNever, [&](std::int64_t done, std::int64_t of) {
              QVERIFY(done > told && done - told <= block);
              told = done;
              total = of;
            });
        QVERIFY(loss.isWhole);
        QCOMPARE(loss.windows, windows);
        QCOMPARE(told, 25);
        QCOMPARE(total, 25);
        compare(loss.nats, expected, kLimit);
        for (int sequence = 0; sequence < batch; ++sequence) QCOMPARE(decoder->positionOf(sequence), 0);
      }
    }
  }

  /// What was read before a stop counts, and the decoder is empty.
  void stopping() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Separate);
    const std::vector<int> text = someTokens(26, model.config.vocabSize);
    reference::ReferenceDecoder decoder(model, {.contextLength = 10});
    const TextLoss whole = readText(decoder, text, 4, kNever);
    int asked = 0;
    const TextLoss part = readText(decoder, text, 4, [&] { return ++asked > 4; });
    QVERIFY(!part.isWhole);
    QCOMPARE(part.nats.size(), 4u + 4 + 2 + 4);
    QCOMPARE(part.windows, 2);
    QVERIFY(std::ranges::equal(part.nats, std::span(whole.nats).first(14)));
    QCOMPARE(decoder.position(), 0);
    QVERIFY_THROWS_EXCEPTION(model::Cancelled,
                             readText(decoder, text, 4, kNever,
                                      [](std::int64_t, std::int64_t) { throw model::Cancelled("enough"); }));
    QCOMPARE(decoder.position(), 0);
  }

  void refusals_data() {
    QTest::addColumn<std::vector<int>>("text");
    QTest::addColumn<QString>("sentence");
    QTest::newRow("nothing") << std::vector<int>{} << "The text has 0 tokens, expected 2 or more";
    QTest::newRow("one token") << std::vector<int>{5} << "The text has 1 token, expected 2 or more";
    QTest::newRow("a foreign token that is only predicted") << std::vector<int>{5, 6, 999} << "999";
  }
  void refusals() {
    QFETCH(std::vector<int>, text);
    QFETCH(QString, sentence);
    const model::Model model = randomModel(smallConfig({4, 1, 16}), Output::Tied);
    reference::ReferenceDecoder decoder(model, {});
    try {
      readText(decoder, text, 8, kNever);
      QFAIL("It was read.");
    } catch (const model::Error& error) {
      QVERIFY2(QString(error.what()).contains(sentence), error.what());
    }
  }
};

QTEST_GUILESS_MAIN(TestTextLoss)
#include "tst_text_loss.moc"
