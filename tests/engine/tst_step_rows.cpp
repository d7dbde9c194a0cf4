#include <fmt/format.h>

#include <QTest>
#include <cmath>
#include <functional>
#include <memory>
#include <random>

#include "core/model/error.h"
#include "core/model/token_order.h"
#include "core/reference/reference_decoder.h"
#include "tests/engine/kernel_harness.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using model::Capture;
using model::KernelFamily;
using model::LogitsRequest;
using model::StepRow;

namespace {

/// Of single log-probabilities, entropies and logits of the device against sums in double.
constexpr double kSummaryLimit = 5e-5;

std::vector<int> randomText(int length, unsigned seed, int vocabSize) {
  std::mt19937 random(seed);
  std::vector<int> tokens;
  for (int i = 0; i < length; ++i)
    tokens.push_back(static_cast<int>(random() % static_cast<unsigned>(vocabSize)));
  return tokens;
}

std::vector<StepRow> rowsOf(int sequence, std::span<const int> tokens, int firstPosition = 0) {
  std::vector<StepRow> rows;
  for (const int token : tokens) rows.push_back({sequence, token, firstPosition++});
  return rows;
}

std::vector<StepRow> together(std::initializer_list<std::vector<StepRow>> parts) {
  std::vector<StepRow> all;
  for (const std::vector<StepRow>& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

/// Softmax of a row in double, which shares no code with the decoders.
struct Softmax {
  explicit Softmax(std::span<const float> logits) {
    double sum = 0.0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
    logSumExp = std::log(sum);
    for (const float logit : logits) {
      const double p = std::exp(static_cast<double>(logit)) / sum;
      entropy -= p * std::log(p);
    }
  }
  double logSumExp = 0.0;
  double entropy = 0.0;
};

}  // namespace

/// Steps whose rows belong to several sequences, and what is handed back of their logits; both decoders.
class TestStepRows : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  static void addDecoders(bool manyHeads) {
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("which");  // 0: reference, 1 packed, 2 rows
    const char* const names[] = {"reference", "packed", "rows"};
    for (int which = 0; which < 3; ++which) {
      for (const int kvHeads : {4, 2, 1}) {
        if (!manyHeads && kvHeads != 2) continue;
        QTest::addRow("%d KV heads, %s", kvHeads, names[which]) << kvHeads << which;
      }
    }
  }
  std::unique_ptr<model::Decoder> make(int which, const model::Model& model, int batch) {
    const model::DecoderOptions options{
        .batch = batch, .kernels = {.family = which == 2 ? KernelFamily::Rows : KernelFamily::Packed}};
    if (which == 0)
      return std::make_unique<reference::ReferenceDecoder>(model, model::DecoderOptions{.batch = batch});
    return std::make_unique<UploadedDecoder>(m_gpu.device, model, options);
  }
  static model::Model makeModel(int kvHeads) {
    return randomModel(smallConfig({4, kvHeads, 16}), Output::Separate);
  }
  static void checkLogits(std::span<const float> actual, std::span<const float> expected, const char* what) {
    const double error = relativeError(actual, expected);
    QVERIFY2(error <= kReferenceF32CacheLimit, fmt::format("{}: {:.1e}", what, error).c_str());
  }
  static std::vector<float> alone(const model::Model& model, std::span<const int> tokens) {
    reference::ReferenceDecoder decoder(model, {});
    decoder.run(tokens, Capture::none());
    return {decoder.logits().begin(), decoder.logits().end()};
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// Fails where a row reads or writes another sequence's cache, or its logits land in another's.
  void severalTextsAreSeparateRuns_data() { addDecoders(true); }
  void severalTextsAreSeparateRuns() {
    QFETCH(int, kvHeads);
    QFETCH(int, which);
    const model::Model model = makeModel(kvHeads);
    const int vocabSize = model.config.vocabSize;
    const auto decoder = make(which, model, 3);
    const std::vector<int> first = randomText(90, 1, vocabSize);
    const std::vector<int> second = randomText(17, 2, vocabSize);
    // Both are filled, longer than a step, then decode; the third stays empty.
    const std::span<const int> a(first), b(second);
    decoder->runRows(together({rowsOf(0, a.first(80)), rowsOf(2, b.first(9))}), {});
    QCOMPARE(decoder->positionOf(0), 80);
    QCOMPARE(decoder->positionOf(1), 0);
    QCOMPARE(decoder->positionOf(2), 9);
    checkLogits(decoder->logitsOf(0), alone(model, a.first(80)), "first text, filled");
    checkLogits(decoder->logitsOf(2), alone(model, b.first(9)), "second text, filled");
    for (int i = 0; i < 5; ++i) {
      const auto record =
          decoder->runRows(std::vector<StepRow>{{2, b[9 + i], 9 + i}, {0, a[80 + i], 80 + i}}, {}).front();
      QCOMPARE(record.tokens, std::vector<int>{b[9 + i]});
      QCOMPARE(record.position, 9 + i);
      QCOMPARE(record.rows.size(), std::size_t{2});
    }
    checkLogits(decoder->logitsOf(0), alone(model, a.first(85)), "first text");
    checkLogits(decoder->logitsOf(2), alone(model, b.first(14)), "second text");
  }

  /// As many rows as the decoder says; those that need room for themselves come in smaller steps.
  void longTextsGoInLargeBlocks_data() { addDecoders(false); }
  void longTextsGoInLargeBlocks() {
    QFETCH(int, kvHeads);
    QFETCH(int, which);
    model::ModelConfig config = smallConfig({4, kvHeads, 16});
    config.contextLength = 330;
    const model::Model model = randomModel(config, Output::Separate);
    const std::vector<int> text = randomText(300, 11, model.config.vocabSize);
    const auto decoder = make(which, model, 2);
    const auto block = static_cast<std::size_t>(decoder->blockTokens());
    QCOMPARE(block, std::vector<std::size_t>({128, 64, 256})[static_cast<std::size_t>(which)]);
    const auto sizes = [&](const std::vector<model::StepRecord>& records) {
      std::vector<std::size_t> rows;
      for (const model::StepRecord& record : records) rows.push_back(record.rows.size());
      return rows;
    };
    const auto split = [](std::size_t rows, std::size_t most) {
      std::vector<std::size_t> parts(rows / most, most);
      if (rows % most > 0) parts.push_back(rows % most);
      return parts;
    };
    QCOMPARE(sizes(decoder->runRows(rowsOf(0, text), {})), split(300, block));
    checkLogits(decoder->logitsOf(0), alone(model, text), "one text");
    decoder->truncate(0);
    QCOMPARE(sizes(decoder->run(text, Capture::none())), split(600, block));  // both sequences
    checkLogits(decoder->logitsOf(1), alone(model, text), "two texts side by side");
    decoder->truncateSequence(0, 0);
    const auto whole = decoder->runRows(rowsOf(0, text), {{}, LogitsRequest::all()});
    QCOMPARE(sizes(whole), split(300, which == 0 ? block : 64));
    checkLogits(decoder->logitsOf(0), alone(model, text), "with logits of every row");
    // One text behind another is none side by side: rows attend one by one.
    decoder->truncate(0);
    const std::span<const int> half = std::span<const int>(text).first(150);
    const auto joined = decoder->runRows(together({rowsOf(0, half), rowsOf(1, half)}), {});
    std::size_t rows = 0;
    for (const std::size_t size : sizes(joined)) rows += size;
    QCOMPARE(rows, std::size_t{300});
    checkLogits(decoder->logitsOf(1), alone(model, half), "one behind another");
  }

  /// What the device chooses by itself is what the host would have chosen, and the text goes on behind it.
  void stepsAheadAreThoseOfTheHost_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("batch");
    for (const int kvHeads : {4, 2, 1}) {
      for (const int batch : {1, 3})
        QTest::addRow("%d KV heads, batch %d", kvHeads, batch) << kvHeads << batch;
    }
  }
  void stepsAheadAreThoseOfTheHost() {
    QFETCH(int, kvHeads);
    QFETCH(int, batch);
    const model::Model model = makeModel(kvHeads);
    const auto decoder = make(2, model, batch);
    const auto waiting = make(2, model, batch);
    QVERIFY(decoder->decodesAhead());
    const std::vector<int> text = randomText(30, 12, model.config.vocabSize);
    int token = 5;
    for (model::Decoder* each : {decoder.get(), waiting.get()}) each->run(text, Capture::none());
    std::vector<int> expected;
    for (int step = 0; step < 7; ++step) {
      waiting->run(std::span(&token, 1), Capture::none());
      expected.push_back(token = model::mostLikely(waiting->logits(), 1).front());
    }
    QCOMPARE(decoder->decodeAhead(5, 3), std::vector<int>(expected.begin(), expected.begin() + 3));
    QCOMPARE(decoder->positionOf(batch - 1), 33);
    QCOMPARE(decoder->decodeAhead(expected[2], 4), std::vector<int>(expected.begin() + 3, expected.end()));
    QCOMPARE(decoder->position(), 37);
    // A step that the host waits for reads what they left in the cache.
    for (model::Decoder* each : {decoder.get(), waiting.get()})
      each->run(std::span(&token, 1), Capture::none());
    QVERIFY(std::ranges::equal(decoder->logits(), waiting->logits()));
    // The same again after going back: nothing of them was left behind.
    decoder->truncate(30);
    QCOMPARE(decoder->decodeAhead(5, 7), expected);
  }

  void whatCannotGoAhead() {
    const model::Model model = makeModel(2);
    const auto packed = make(1, model, 1);
    QVERIFY(!packed->decodesAhead());
    QVERIFY_THROWS_EXCEPTION(model::Error, packed->decodeAhead(1, 2));
    const auto decoder = make(2, model, 1);
    const int context = decoder->options().contextLength;
    decoder->fillCache(context - 3, 1);
    QVERIFY_THROWS_EXCEPTION(model::Error, decoder->decodeAhead(1, 4));
    QVERIFY_THROWS_EXCEPTION(model::Error, decoder->decodeAhead(1, 0));
    QVERIFY_THROWS_EXCEPTION(model::Error, decoder->decodeAhead(1, model::kMostAhead + 1));
    QVERIFY_THROWS_EXCEPTION(model::Error, decoder->decodeAhead(model.config.vocabSize, 1));
    QCOMPARE(decoder->position(), context - 3);
    QCOMPARE(decoder->decodeAhead(1, 3).size(), std::size_t{3});
    QCOMPARE(decoder->position(), context);
  }

  /// One sequence decodes while another fills; a third takes the place of one that left.
  void sequencesComeAndGo_data() { addDecoders(false); }
  void sequencesComeAndGo() {
    QFETCH(int, kvHeads);
    QFETCH(int, which);
    const model::Model model = makeModel(kvHeads);
    const auto decoder = make(which, model, 2);
    const std::vector<int> a = randomText(30, 3, model.config.vocabSize);
    const std::vector<int> b = randomText(30, 4, model.config.vocabSize);
    const std::vector<int> c = randomText(30, 5, model.config.vocabSize);
    const std::span<const int> texts[] = {a, b, c};
    decoder->runRows(rowsOf(0, texts[0].first(10)), {});
    decoder->runRows(together({rowsOf(0, texts[0].subspan(10, 1), 10), rowsOf(1, texts[1].first(20))}), {});
    checkLogits(decoder->logitsOf(0), alone(model, texts[0].first(11)), "while the other was filled");
    checkLogits(decoder->logitsOf(1), alone(model, texts[1].first(20)), "filled beside it");
    decoder->truncateSequence(0, 0);
    QCOMPARE(decoder->positionOf(1), 20);
    decoder->runRows(together({rowsOf(1, texts[1].subspan(20, 1), 20), rowsOf(0, texts[2].first(7))}), {});
    checkLogits(decoder->logitsOf(0), alone(model, texts[2].first(7)), "in the place of the first");
    checkLogits(decoder->logitsOf(1), alone(model, texts[1].first(21)), "unmoved by that");
    // Back to a common beginning.
    decoder->truncateSequence(1, 5);
    decoder->runRows(rowsOf(1, texts[1].subspan(5, 3), 5), {});
    checkLogits(decoder->logitsOf(1), alone(model, texts[1].first(8)), "after going back");
  }

  /// The rows of the one sequence that is captured, wherever they stand in the step.
  void oneSequenceIsCaptured_data() { addDecoders(false); }
  void oneSequenceIsCaptured() {
    QFETCH(int, kvHeads);
    QFETCH(int, which);
    const model::Model model = makeModel(kvHeads);
    const auto decoder = make(which, model, 2);
    const std::vector<int> a = randomText(12, 6, model.config.vocabSize);
    const std::vector<int> b = randomText(12, 7, model.config.vocabSize);
    std::vector<StepRow> mixed;
    for (int i = 0; i < 12; ++i) {
      mixed.push_back({0, a[static_cast<std::size_t>(i)], i});
      mixed.push_back({1, b[static_cast<std::size_t>(i)], i});
    }
    Capture capture = Capture::everything();
    capture.sequence = 1;
    const model::AttentionRows rows = decoder->runRows(mixed, {capture, {}}).front().attention;
    reference::ReferenceDecoder truth(model, {});
    const model::AttentionRows expected = truth.run(b, Capture::everything()).front().attention;
    QCOMPARE(rows.rowCount, 12);
    QCOMPARE(rows.layers, expected.layers);
    for (int row = 0; row < 12; ++row) {
      QVERIFY(relativeError(rows.row(1, 3, row), expected.row(1, 3, row)) <= kReferenceF32CacheLimit);
    }
    const auto replayed = decoder->replay(4, std::span(b).subspan(4, 5), capture);
    QVERIFY(relativeError(replayed.front().row(1, 3, 2), expected.row(1, 3, 6)) <= kReferenceF32CacheLimit);
  }

  void summariesAreThoseOfTheWholeSoftmax_data() { addDecoders(false); }
  void summariesAreThoseOfTheWholeSoftmax() {
    QFETCH(int, kvHeads);
    QFETCH(int, which);
    const model::Model model = makeModel(kvHeads);
    const auto vocabSize = static_cast<std::size_t>(model.config.vocabSize);
    const std::vector<int> tokens = randomText(100, 8, model.config.vocabSize);
    std::vector<int> targets = randomText(100, 9, model.config.vocabSize);
    reference::ReferenceDecoder truth(model, {});
    const std::vector<float> logits =
        model::allLogits(truth.run(tokens, Capture::none(), LogitsRequest::all()));
    const auto decoder = make(which, model, 1);
    LogitsRequest request = LogitsRequest::logProbabilities(targets);
    request.topCount = 9;
    std::size_t row = 0;
    for (const model::StepRecord& record : decoder->run(tokens, Capture::none(), request)) {
      QVERIFY(record.logits.empty() && record.candidates.empty());
      QCOMPARE(record.summaries.size(), record.rows.size());
      for (const model::LogitsSummary& summary : record.summaries) {
        QCOMPARE(summary.row, static_cast<int>(&summary - record.summaries.data()));
        const auto expected = std::span<const float>(logits).subspan(row * vocabSize, vocabSize);
        const Softmax softmax(expected);
        QVERIFY(std::abs(summary.logSumExp - softmax.logSumExp) <= kSummaryLimit);
        QVERIFY(std::abs(summary.entropy - softmax.entropy) <= kSummaryLimit);
        const double target = expected[static_cast<std::size_t>(targets[row])] - softmax.logSumExp;
        QVERIFY(std::abs(*summary.targetLogProbability - target) <= kSummaryLimit);
        QCOMPARE(summary.top.size(), std::size_t{9});
        const std::vector<int> order = model::mostLikely(expected, 9);
        for (std::size_t i = 0; i < 9; ++i) {
          QCOMPARE(summary.top[i].token, order[i]);
          QVERIFY(std::abs(summary.top[i].logit - expected[static_cast<std::size_t>(order[i])]) <=
                  kSummaryLimit);
        }
        ++row;
      }
    }
    QCOMPARE(row, tokens.size());
  }

  /// Equal logits come by their ids, and more are asked for than there are.
  void tiesGoByTheirIds() {
    model::Model model = makeModel(2);
    const std::vector<float> zeros(model.weights.output.toFloat().size());
    model.weights.output = {model::Storage::F32, model.weights.output.rows, model.weights.output.columns,
                            std::as_bytes(std::span(zeros))};
    for (const KernelFamily family : kFamilies) {
      UploadedDecoder decoder(m_gpu.device, model, {.kernels = {.family = family}});
      const int token = 1;
      const auto record =
          decoder.run(std::span(&token, 1), Capture::none(), LogitsRequest::top(LogitsRequest::kMostTop))
              .front();
      const model::LogitsSummary& summary = record.summaries.front();
      for (int i = 0; i < LogitsRequest::kMostTop; ++i)
        QCOMPARE(summary.top[static_cast<std::size_t>(i)].token, i);
      QVERIFY(std::abs(summary.entropy - std::log(model.config.vocabSize)) < 1e-6);
      QVERIFY(!summary.targetLogProbability);
    }
  }

  /// What is not asked for is not computed: no stage, no bytes, and the last logits stay.
  void noLogitsCostNothing() {
    const model::Model model = makeModel(2);
    UploadedDecoder decoder(m_gpu.device, model, {});
    const std::vector<int> tokens = randomText(9, 10, model.config.vocabSize);
    decoder.run(std::span(tokens).first(4), Capture::none());
    const std::vector<float> before(decoder.logits().begin(), decoder.logits().end());
    const model::StepRecord record =
        decoder.run(std::span(tokens).subspan(4, 4), Capture::none(), LogitsRequest::none()).front();
    QVERIFY(std::ranges::none_of(
        record.stages, [](const model::StageRecord& stage) { return stage.stage == model::Stage::Logits; }));
    QVERIFY(std::ranges::equal(before, decoder.logits()));
    decoder.run(std::span(tokens).last(1), Capture::none());
    checkLogits(decoder.logits(), alone(model, tokens), "afterwards");
  }

  /// A logit that is not finite is found where only summaries leave the device, too.
  void nonFiniteSummariesAreNamed() {
    model::Model model = makeModel(2);
    std::vector<float> output = model.weights.output.toFloat();
    output[5 * static_cast<std::size_t>(model.weights.output.columns)] = NAN;
    model.weights.output = {model::Storage::F32, model.weights.output.rows, model.weights.output.columns,
                            std::as_bytes(std::span(output))};
    for (const KernelFamily family : kFamilies) {
      UploadedDecoder decoder(m_gpu.device, model, {.kernels = {.family = family}});
      const std::vector<int> tokens{1, 2, 3};
      try {
        decoder.run(tokens, Capture::none(), LogitsRequest::top(2));
        QFAIL("no error was thrown");
      } catch (const model::Error& error) {
        QVERIFY2(QString(error.what()).contains("logits"), error.what());
      }
      QCOMPARE(decoder.position(), 0);
    }
  }

  void whatDoesNotFitIsRefused() {
    const model::Model model = makeModel(2);
    reference::ReferenceDecoder onHost(model, {.batch = 2});
    UploadedDecoder onDevice(m_gpu.device, model, {.batch = 2});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      const auto refused = [&](const std::vector<StepRow>& rows, const model::StepRequest& request,
                               const char* fragment) {
        try {
          decoder->runRows(rows, request);
          QFAIL("no error was thrown");
        } catch (const model::Error& error) {
          QVERIFY2(QString(error.what()).contains(fragment), error.what());
        }
        QCOMPARE(decoder->positionOf(0), 0);
        QCOMPARE(decoder->positionOf(1), 0);
      };
      refused({}, {}, "no token to run");
      refused({{2, 1, 0}}, {}, "Sequence 2 was asked for, expected 0 to 1");
      refused({{0, 1, 0}, {1, 1, 1}}, {}, "Sequence 1 goes on at position 0, a token for 1");
      refused(rowsOf(1, randomText(129, 1, 20)), {}, "holds 128 positions");
      refused({{0, 1, 0}}, {{}, LogitsRequest::logProbabilities({1, 2})}, "2 targets were given for 1 rows");
      refused({{0, 1, 0}}, {{}, LogitsRequest::logProbabilities({100000})}, "100000 is outside");
      refused({{0, 1, 0}}, {{}, LogitsRequest::top(65)}, "expected 0 to 64");
    }
  }
};

QTEST_GUILESS_MAIN(TestStepRows)
#include "tst_step_rows.moc"
