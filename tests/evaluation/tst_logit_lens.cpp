#include <fmt/format.h>

#include <QTest>
#include <cmath>
#include <memory>

#include "core/evaluation/logit_lens.h"
#include "core/formats/load_model.h"
#include "core/formats/npy.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "tests/evaluation/surveyed_text.h"
#include "tests/support/architecture_models.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;
using namespace headroom::tests;
using evaluation::readLens;

namespace {
constexpr double kHostLimit = 1e-6;  // of streams that are handed back as floats

/// [layers + 1][positions] of [vocab].
using Lens = std::vector<std::vector<std::vector<float>>>;

Lens lensOf(model::Decoder& decoder, const model::Model& model, std::span<const int> tokens,
            evaluation::PositionRange positions) {
  Lens lens(static_cast<std::size_t>(model.config.layerCount) + 1);
  int rows = 0;
  readLens(decoder, model, tokens, positions, kNever,
           [&](int layer, int position, std::span<const float> logits) {
             // By layer, then by position, none left out.
             const bool isNext =
                 layer == rows / positions.count && position == positions.first + rows % positions.count;
             if (isNext) lens[static_cast<std::size_t>(layer)].emplace_back(logits.begin(), logits.end());
             ++rows;
           });
  return lens;
}

std::vector<double> doubles(const model::Tensor& tensor) {
  const std::vector<float> floats = tensor.toFloat();
  return {floats.begin(), floats.end()};
}

/// The last norm of `x`, written out.
std::vector<double> normed(std::span<const double> x, const model::Model& model) {
  const auto count = static_cast<double>(x.size());
  const std::vector<double> gain = doubles(model.weights.outputNorm),
                            bias = doubles(model.weights.outputNormBias);
  double mean = 0.0, squares = 0.0;
  if (model.config.traits.norm == model::Norm::Layer) {
    for (const double value : x) mean += value / count;
  }
  for (const double value : x) squares += (value - mean) * (value - mean) / count;
  std::vector<double> result;
  for (std::size_t i = 0; i < x.size(); ++i) {
    result.push_back((x[i] - mean) / std::sqrt(squares + static_cast<double>(model.config.normEpsilon)) *
                         gain[i] +
                     (bias.empty() ? 0.0 : bias[i]));
  }
  return result;
}

/// W x + b with its soft cap, written out.
std::vector<double> output(std::span<const double> x, const model::Model& model) {
  const std::vector<double> weights = doubles(model.weights.output), bias = doubles(model.weights.outputBias);
  const double cap = static_cast<double>(model.config.logitSoftCap);
  std::vector<double> logits;
  for (std::size_t token = 0; token * x.size() < weights.size(); ++token) {
    double sum = bias.empty() ? 0.0 : bias[token];
    for (std::size_t i = 0; i < x.size(); ++i) sum += weights[token * x.size() + i] * x[i];
    logits.push_back(cap > 0.0 ? cap * std::tanh(sum / cap) : sum);
  }
  return logits;
}
}  // namespace

class TestLogitLens : public QObject {
  Q_OBJECT

 private:
  VulkanDevice m_gpu;

  static void check(std::span<const float> actual, std::span<const double> expected, double limit,
                    const std::string& what) {
    const double error = relativeError(actual, expected);
    QVERIFY2(error <= limit, fmt::format("{}: {:.1e}", what, error).c_str());
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// Streams and logits by transformers in float64; norm and output matrix by the test. Theirs after the last
  /// layer went through the norm already.
  void everyLayerIsTheirs_data() {
    QTest::addColumn<QString>("folder");
    QTest::newRow("MHA, LayerNorm, tied") << "gpt2-MHA";
    QTest::newRow("MHA, a bias") << "phi2-MHA";
    QTest::newRow("GQA, a soft cap") << "gemma2-GQA";
    QTest::newRow("GQA") << "qwen3-GQA";
    QTest::newRow("MQA") << "llama-mqa-hd-MQA";
    QTest::newRow("MQA, gains of 1 + w") << "gemma-MQA";
  }
  void everyLayerIsTheirs() {
    QFETCH(QString, folder);
    const std::string path = fixturePath("checkpoints2/" + folder.toStdString());
    const model::Model model = formats::loadModel(path);
    const formats::NpyArray hidden = formats::readNpy(path + "/hidden.npy");  // [layers + 1][24][d]
    const formats::NpyArray logits = formats::readNpy(path + "/logits.npy");
    const std::vector<int> tokens = readIds(readText(path + "/tokens.txt"));
    const auto dim = static_cast<std::size_t>(hidden.shape[2]);
    const auto vocabSize = static_cast<std::size_t>(logits.shape[1]);
    const int layers = model.config.layerCount;
    QCOMPARE(hidden.shape[0], layers + 1);
    reference::ReferenceDecoder onHost(model, {});
    UploadedDecoder onDevice(m_gpu.device, model, {});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      const double limit = decoder == &onHost ? kHostLimit : kF32LogitsLimit;
      const Lens lens = lensOf(*decoder, model, std::span(tokens).first(24), {.first = 0, .count = 24});
      for (int layer = 0; layer <= layers; ++layer) {
        QCOMPARE(lens[static_cast<std::size_t>(layer)].size(), 24u);
        for (std::size_t token = 0; token < 24; ++token) {
          const auto stream = std::span<const double>(hidden.values)
                                  .subspan((static_cast<std::size_t>(layer) * 24 + token) * dim, dim);
          const std::vector<double> expected = output(
              layer == layers ? std::vector(stream.begin(), stream.end()) : normed(stream, model), model);
          const auto& row = lens[static_cast<std::size_t>(layer)][token];
          check(row, expected, limit, fmt::format("layer {}, token {}", layer, token));
          if (layer == layers)
            check(row, std::span<const double>(logits.values).subspan(token * vocabSize, vocabSize), limit,
                  "logits");
        }
      }
      QCOMPARE(decoder->position(), 0);
    }
  }

  /// After the last layer there is nothing to guess: what every kind of model says itself.
  void theLastIsWhatTheModelSays_data() {
    QTest::addColumn<int>("row");
    const auto rows = architectureRows();
    for (std::size_t row = 0; row < rows.size(); ++row)
      QTest::newRow(rows[row].name.c_str()) << static_cast<int>(row);
  }
  void theLastIsWhatTheModelSays() {
    QFETCH(int, row);
    const model::Model model = randomModel(architectureRows()[static_cast<std::size_t>(row)].config,
                                           row % 2 == 0 ? Output::Tied : Output::Separate);
    const std::vector<int> tokens = someTokens(30, model.config.vocabSize);
    reference::ReferenceDecoder decoder(model, {});
    const std::vector<float> all =
        model::allLogits(decoder.run(tokens, model::Capture::none(), model::LogitsRequest::all()));
    const std::vector<double> expected(all.begin(), all.end());
    const auto vocabSize = static_cast<std::size_t>(model.config.vocabSize);
    const Lens lens = lensOf(decoder, model, tokens, {.first = 0, .count = 30});
    for (std::size_t token = 0; token < 30; ++token) {
      check(lens[2][token], std::span(expected).subspan(token * vocabSize, vocabSize), kHostLimit,
            fmt::format("token {}", token));
      QVERIFY(relativeError(std::span<const float>(lens[1][token]), std::span<const float>(lens[2][token])) >
              1e-2);
    }
  }

  /// Over several blocks of the decoder and of the output matrix; of a batch the first sequence.
  void aPartIsThatOfTheWhole() {
    model::ModelConfig config = smallConfig({4, 2, 16});
    config.contextLength = 400;
    const model::Model model = randomModel(config, Output::Separate);
    const std::vector<int> tokens = someTokens(300, model.config.vocabSize);
    reference::ReferenceDecoder onHost(model, {});
    UploadedDecoder onDevice(m_gpu.device, model, {.batch = 2});
    onDevice.run(std::span(tokens).first(7), model::Capture::none());  // not empty before
    const Lens whole = lensOf(onHost, model, tokens, {.first = 0, .count = 300});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      for (const auto& [first, count] :
           {std::pair(60, 140), std::pair(299, 1), std::pair(0, 1), std::pair(10, 280)}) {
        const Lens part = lensOf(*decoder, model, tokens, {.first = first, .count = count});
        for (std::size_t layer = 0; layer < 3; ++layer) {
          QCOMPARE(std::ssize(part[layer]), count);
          for (int row = 0; row < count; ++row) {
            const std::vector<float>& of = whole[layer][static_cast<std::size_t>(first + row)];
            check(part[layer][static_cast<std::size_t>(row)], std::vector<double>(of.begin(), of.end()),
                  kReferenceF32CacheLimit, fmt::format("{} + {}", first, row));
          }
        }
        for (int sequence = 0; sequence < decoder->options().batch; ++sequence)
          QCOMPARE(decoder->positionOf(sequence), 0);
      }
    }
  }

  void stopping() {
    const model::Model model = randomModel(smallConfig({4, 1, 16}), Output::Tied);
    reference::ReferenceDecoder decoder(model, {});
    const std::vector<int> tokens = someTokens(5, model.config.vocabSize);
    for (int steps = 0; steps < 4; ++steps) {
      int asked = 0, told = 0;
      QVERIFY(!readLens(
          decoder, model, tokens, {.first = 0, .count = 5}, [&] { return ++asked > steps; },
          [&](int, int, std::span<const float>) { ++told; }));
      QCOMPARE(told, 5 * std::max(0, steps - 1));  // the first step reads the text
      QCOMPARE(decoder.position(), 0);
    }
    QVERIFY_THROWS_EXCEPTION(model::Cancelled, readLens(decoder, model, tokens, {.first = 0, .count = 5},
                                                        kNever, [](int, int, std::span<const float>) {
                                                          throw model::Cancelled("enough");
                                                        }));
    QCOMPARE(decoder.position(), 0);
  }

  void refusals_data() {
    QTest::addColumn<std::vector<int>>("tokens");
    QTest::addColumn<int>("first");
    QTest::addColumn<int>("count");
    QTest::addColumn<QString>("sentence");
    QTest::newRow("nothing") << std::vector<int>{} << 0 << 1 << "The text has no token";
    QTest::newRow("a foreign token") << std::vector<int>{1, 999} << 0 << 1 << "999";
    QTest::newRow("behind the end") << std::vector<int>{1, 2, 3} << 2 << 2
                                    << "Positions 2 to 3 were asked for, the text has 0 to 2";
    QTest::newRow("before the beginning") << std::vector<int>{1, 2, 3} << -1 << 2 << "Positions -1 to 0";
    QTest::newRow("none") << std::vector<int>{1, 2, 3} << 1 << 0 << "Positions 1 to 0";
  }
  void refusals() {
    QFETCH(std::vector<int>, tokens);
    QFETCH(int, first);
    QFETCH(int, count);
    QFETCH(QString, sentence);
    const model::Model model = randomModel(smallConfig({4, 1, 16}), Output::Tied);
    reference::ReferenceDecoder decoder(model, {});
    try {
      readLens(decoder, model, tokens, {.first = first, .count = count}, kNever,
               [](int, int, std::span<const float>) {});
      QFAIL("It was read.");
    } catch (const model::Error& error) {
      QVERIFY2(QString(error.what()).contains(sentence), error.what());
    }
  }
};

QTEST_GUILESS_MAIN(TestLogitLens)
#include "tst_logit_lens.moc"
