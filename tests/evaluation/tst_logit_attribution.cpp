#include <fmt/format.h>

#include <QTest>
#include <cmath>

#include "core/evaluation/logit_attribution.h"
#include "core/formats/load_model.h"
#include "core/formats/npy.h"
#include "core/model/error.h"
#include "core/reference/matrices.h"
#include "core/reference/reference_decoder.h"
#include "tests/evaluation/surveyed_text.h"
#include "tests/support/architecture_models.h"
#include "tests/support/edited_model.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;
using namespace headroom::tests;
using evaluation::attributeLogit;
using evaluation::LogitAttribution;
using evaluation::LogitQuestion;

namespace {
/// Of a part, against the largest of all parts; parts are of values that are handed back as floats.
constexpr double kPartLimit = 1e-5;

using Vector = std::vector<double>;

Vector doubles(const model::Tensor& tensor) {
  const std::vector<float> floats = tensor.toFloat();
  return {floats.begin(), floats.end()};
}

/// What adding `part` to the stream adds to logit A, less that to B, when the last norm divides by what it
/// divides `stream` by: written out element by element.
double logitOf(std::span<const double> part, std::span<const double> stream, const model::Model& model,
               const LogitQuestion& question) {
  const auto count = static_cast<double>(stream.size());
  const bool isLayerNorm = model.config.traits.norm == model::Norm::Layer;
  double streamMean = 0.0, partMean = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < stream.size() && isLayerNorm; ++i) {
    streamMean += stream[i] / count;
    partMean += part[i] / count;
  }
  for (const double value : stream) squares += (value - streamMean) * (value - streamMean) / count;
  const double deviation = std::sqrt(squares + static_cast<double>(model.config.normEpsilon));
  const Vector gain = doubles(model.weights.outputNorm), output = doubles(model.weights.output);
  double logit = 0.0;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    const auto weightOf = [&](int token) {
      return output[static_cast<std::size_t>(token) * stream.size() + i];
    };
    const double weight = weightOf(question.token) - (question.other ? weightOf(*question.other) : 0.0);
    logit += (part[i] - partMean) / deviation * gain[i] * weight;
  }
  return logit;
}

/// What the biases of the last norm and of the output matrix add.
double outputBiasOf(const model::Model& model, const LogitQuestion& question) {
  const Vector normBias = doubles(model.weights.outputNormBias), output = doubles(model.weights.output),
               bias = doubles(model.weights.outputBias);
  const auto of = [&](int token) {
    double sum = bias.empty() ? 0.0 : bias[static_cast<std::size_t>(token)];
    for (std::size_t i = 0; i < normBias.size(); ++i)
      sum += normBias[i] * output[static_cast<std::size_t>(token) * normBias.size() + i];
    return sum;
  };
  return of(question.token) - (question.other ? of(*question.other) : 0.0);
}

/// Streams and head outputs after `tokens`, of the last of them.
struct Captured {
  std::vector<Vector> streams, outputs;
  std::vector<float> logits;
};
Captured capture(model::Decoder& decoder, std::span<const int> tokens) {
  model::Capture wanted;
  std::vector<int> layers;
  for (int layer = 0; layer < decoder.config().layerCount; ++layer) layers.push_back(layer);
  wanted.activations.push_back({model::CapturePoint::HeadOutputs, layers});
  layers.push_back(decoder.config().layerCount);
  wanted.activations.push_back({model::CapturePoint::Residual, layers});
  decoder.truncate(0);
  const auto records = decoder.run(tokens, wanted);
  Captured captured;
  for (const model::Activations& values : records.back().activations) {
    const auto row = values.row(values.rowCount - 1);
    auto& rows = values.point == model::CapturePoint::Residual ? captured.streams : captured.outputs;
    rows.emplace_back(row.begin(), row.end());
  }
  captured.logits.assign(decoder.logits().begin(), decoder.logits().end());
  return captured;
}

/// RMSNorm of what attention adds, written out; `part` is a summand of `branch`.
Vector afterPostNorm(const Vector& part, const Vector& branch, const Vector& gain, double epsilon) {
  if (gain.empty()) return part;
  double squares = 0.0;
  for (const double value : branch) squares += value * value / static_cast<double>(branch.size());
  Vector result;
  for (std::size_t i = 0; i < part.size(); ++i)
    result.push_back(part[i] / std::sqrt(squares + epsilon) * gain[i]);
  return result;
}

/// What each head of a layer, then the bias of W_O, adds to the stream: [heads + 1][modelDim].
std::vector<Vector> attentionParts(const model::LayerWeights& layer, const Vector& outputs,
                                   const model::ModelConfig& config) {
  const Vector weights = doubles(layer.attentionOutput), postNorm = doubles(layer.attentionPostNorm);
  const auto headDim = static_cast<std::size_t>(config.attention.headDim);
  const auto rows = static_cast<std::size_t>(config.modelDim);
  std::vector<Vector> parts;
  for (std::size_t head = 0; head * headDim < outputs.size(); ++head) {
    Vector part(rows);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t i = head * headDim; i < (head + 1) * headDim; ++i)
        part[row] += weights[row * outputs.size() + i] * outputs[i];
    }
    parts.push_back(part);
  }
  const Vector bias = doubles(layer.attentionOutputBias);
  parts.push_back(bias.empty() ? Vector(rows) : bias);
  Vector branch(rows);
  for (const Vector& part : parts) {
    for (std::size_t i = 0; i < rows; ++i) branch[i] += part[i];
  }
  for (Vector& part : parts)
    part = afterPostNorm(part, branch, postNorm, static_cast<double>(config.normEpsilon));
  return parts;
}

/// What the FFN of a layer adds to the stream, computed forward: no difference of streams.
Vector mlpPart(const reference::LayerMatrices& layer, const Vector& stream,
               const std::vector<Vector>& attention, const model::ModelConfig& config) {
  reference::Matrix x(1, config.modelDim);
  x.values = stream;
  if (config.traits.block == model::Block::Sequential) {
    for (const Vector& part : attention) {
      for (std::size_t i = 0; i < part.size(); ++i) x.values[i] += part[i];
    }
  }
  const reference::Matrix normed = normalise(x, layer.ffnNorm, config);
  const bool isGated = config.traits.feedForward == model::FeedForward::Gated;
  const reference::Matrix gate = isGated ? project(normed, layer.ffnGate) : reference::Matrix();
  const reference::ActivationFunction activation(config.traits.activation);
  const Vector down = project(activation(gate, project(normed, layer.ffnUp)), layer.ffnDown).values;
  return afterPostNorm(down, down, layer.ffnPostNorm.values, static_cast<double>(config.normEpsilon));
}

double capped(double logit, double cap) {
  return cap > 0.0 ? cap * std::tanh(logit / cap) : logit;
}

}  // namespace

class TestLogitAttribution : public QObject {
  Q_OBJECT

 private:
  VulkanDevice m_gpu;

  static void near(double actual, double expected, double scale, const std::string& what) {
    QVERIFY2(std::abs(actual - expected) <= kPartLimit * scale,
             fmt::format("{}: {}, expected {}", what, actual, expected).c_str());
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// A model of which every number is in this test. The stream of the only token is 8 in element 0, whose
  /// root mean square over 64 elements is 1. Both query heads read 0.25 * 8 = 2 from the only KV head; W_O
  /// makes of it 6 in element 1 and -2 in element 2. The FFN then reads 2 and 1 and adds 5 silu(2) to
  /// element 3.
  void byHand() {
    model::ModelConfig config = smallConfig({2, 1, 16});
    config.layerCount = 1;
    config.normEpsilon = 0.0f;
    EditableModel edited{randomModel(config, Output::Separate)};
    model::Weights& weights = edited.model.weights;
    model::LayerWeights& layer = weights.layers[0];
    for (model::Tensor* norm : {&weights.outputNorm, &layer.attentionNorm, &layer.ffnNorm})
      edited.fill(*norm, 1.0f);
    const auto only = [&](model::Tensor& tensor, std::initializer_list<std::array<double, 3>> elements) {
      const auto columns = static_cast<std::size_t>(tensor.columns);
      const std::span<float> values = edited.edit(tensor);
      std::ranges::fill(values, 0.0f);
      for (const auto& [row, column, value] : elements)
        values[static_cast<std::size_t>(row) * columns + static_cast<std::size_t>(column)] =
            static_cast<float>(value);
    };
    const double middle = std::sqrt((64.0 + 36.0 + 4.0) / 64.0);  // root mean square that the FFN sees
    only(weights.tokenEmbedding, {{7, 0, 8.0}});
    only(layer.value, {{0, 0, 0.25}});
    only(layer.attentionOutput, {{1, 0, 3.0}, {2, 16, -1.0}});
    only(layer.ffnGate, {{0, 0, 2.0 * middle / 8.0}});
    only(layer.ffnUp, {{0, 0, 1.0 * middle / 8.0}});
    only(layer.ffnDown, {{3, 0, 5.0}});
    only(weights.output, {{30, 0, 1.0}, {30, 1, 1.0}, {30, 2, 1.0}, {30, 3, -1.0}, {40, 1, 2.0}});
    const double mlp = 5.0 * 2.0 / (1.0 + std::exp(-2.0));
    const double last = std::sqrt((64.0 + 36.0 + 4.0 + mlp * mlp) / 64.0);
    const std::vector<int> tokens{7};
    reference::ReferenceDecoder onHost(edited.model, {});
    UploadedDecoder onDevice(m_gpu.device, edited.model, {});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      const LogitAttribution one = attributeLogit(*decoder, edited.model, tokens, 0, {30});
      QCOMPARE(one.queryHeadCount, 2);
      near(one.embedding, 8.0 / last, 1.0, "embedding");
      near(one.head(0, 0), 6.0 / last, 1.0, "head 0");
      near(one.head(0, 1), -2.0 / last, 1.0, "head 1");
      near(one.mlp[0], -mlp / last, 1.0, "MLP");
      near(one.total, (12.0 - mlp) / last, 1.0, "logit");
      QCOMPARE(one.attentionBias, Vector{0.0});
      QCOMPARE(one.outputBias, 0.0);
      const LogitAttribution difference = attributeLogit(*decoder, edited.model, tokens, 0, {30, 40});
      near(difference.head(0, 0), (6.0 - 12.0) / last, 1.0, "head 0, difference");
      near(difference.head(0, 1), -2.0 / last, 1.0, "head 1, difference");
      near(difference.total, -mlp / last, 1.0, "difference");
    }
  }

  /// Every part of every kind of model from captured values and weights, by sums of this test; together they
  /// are the logit that the decoder says.
  void everyKindOfModel_data() {
    QTest::addColumn<int>("row");
    const auto rows = architectureRows();
    for (std::size_t row = 0; row < rows.size(); ++row)
      QTest::newRow(rows[row].name.c_str()) << static_cast<int>(row);
  }
  void everyKindOfModel() {
    QFETCH(int, row);
    const model::Model model = randomModel(architectureRows()[static_cast<std::size_t>(row)].config,
                                           row % 2 == 0 ? Output::Tied : Output::Separate);
    const reference::ModelMatrices matrices = reference::toMatrices(model.weights);
    const std::vector<int> tokens = someTokens(30, model.config.vocabSize);
    reference::ReferenceDecoder onHost(model, {});
    UploadedDecoder onDevice(m_gpu.device, model, {});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      for (const LogitQuestion& question : {LogitQuestion{200}, LogitQuestion{17, 99}}) {
        const Captured captured = capture(*decoder, std::span(tokens).first(26));
        const LogitAttribution result = attributeLogit(*decoder, model, tokens, 25, question);
        QCOMPARE(decoder->position(), 0);
        const Vector& last = captured.streams.back();
        const auto expected = [&](const Vector& part) { return logitOf(part, last, model, question); };
        double scale = 1.0;
        for (const double part : result.mlp) scale = std::max(scale, std::abs(part));
        near(result.embedding, expected(captured.streams[0]), scale, "embedding");
        near(result.outputBias, outputBiasOf(model, question), scale, "output bias");
        QCOMPARE(result.heads.size(), 2 * static_cast<std::size_t>(model.config.attention.queryHeadCount));
        for (std::size_t layer = 0; layer < 2; ++layer) {
          const auto parts =
              attentionParts(model.weights.layers[layer], captured.outputs[layer], model.config);
          for (std::size_t head = 0; head + 1 < parts.size(); ++head) {
            const double actual = result.head(static_cast<int>(layer), static_cast<int>(head));
            near(actual, expected(parts[head]), scale, fmt::format("layer {}, head {}", layer, head));
            QVERIFY(actual != 0.0);
          }
          near(result.attentionBias[layer], expected(parts.back()), scale, fmt::format("bias {}", layer));
          QCOMPARE(result.attentionBias[layer] != 0.0,
                   model.weights.layers[layer].attentionOutputBias.rows > 0);
          near(result.mlp[layer],
               expected(mlpPart(matrices.layers[layer], captured.streams[layer], parts, model.config)), scale,
               fmt::format("MLP {}", layer));
        }
        near(result.sum(), result.total, 1e-5 * scale, "sum");  // of doubles
        const double cap = static_cast<double>(model.config.logitSoftCap);
        QCOMPARE(result.softCap, model.config.logitSoftCap);
        const auto said = [&](int token) {
          return static_cast<double>(captured.logits[static_cast<std::size_t>(token)]);
        };
        if (!question.other) {
          near(capped(result.total, cap), said(question.token), scale, "logit");
        } else if (cap == 0.0) {
          near(result.total, said(question.token) - said(*question.other), scale, "difference");
        }
      }
    }
  }

  /// Embedding and layers from transformers' streams in float64, and all of it their logit.
  void layersAreTheirs_data() {
    QTest::addColumn<QString>("folder");
    QTest::newRow("MHA, LayerNorm, biases") << "gpt2-MHA";
    QTest::newRow("MHA, parallel, output bias") << "phi2-MHA";
    QTest::newRow("MHA, parallel, two norms") << "gptneox-MHA";
    QTest::newRow("GQA, norms behind, soft cap") << "gemma2-GQA";
    QTest::newRow("GQA, biases of queries") << "qwen2-GQA";
    QTest::newRow("MQA, parallel") << "falcon-mqa-MQA";
    QTest::newRow("MQA, head_dim of its own") << "llama-mqa-hd-MQA";
  }
  void layersAreTheirs() {
    QFETCH(QString, folder);
    const std::string path = fixturePath("checkpoints2/" + folder.toStdString());
    const model::Model model = formats::loadModel(path);
    const formats::NpyArray hidden = formats::readNpy(path + "/hidden.npy");  // [layers + 1][24][d]
    const formats::NpyArray logits = formats::readNpy(path + "/logits.npy");
    const std::vector<int> tokens = readIds(readText(path + "/tokens.txt"));
    const auto dim = static_cast<std::size_t>(hidden.shape[2]);
    const auto vocabSize = static_cast<std::size_t>(logits.shape[1]);
    const std::size_t position = 19;
    const int token = tokens[position + 1];
    const double said = logits.values[position * vocabSize + static_cast<std::size_t>(token)];
    reference::ReferenceDecoder onHost(model, {});
    UploadedDecoder onDevice(m_gpu.device, model, {});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      // Theirs after the last layer is normalised; what it was divided by is taken from this stream.
      const Vector last = capture(*decoder, std::span(tokens).first(position + 1)).streams.back();
      const LogitAttribution result =
          attributeLogit(*decoder, model, tokens, static_cast<int>(position), {token});
      const double scale = std::max(1.0, std::abs(result.total));
      const auto streamAt = [&](int layer) {
        const auto first =
            hidden.values.begin() +
            static_cast<std::ptrdiff_t>((static_cast<std::size_t>(layer) * 24 + position) * dim);
        return Vector(first, first + static_cast<std::ptrdiff_t>(dim));
      };
      near(result.embedding, logitOf(streamAt(0), last, model, {token}), scale, "embedding");
      for (int layer = 0; layer + 1 < model.config.layerCount; ++layer) {
        Vector added = streamAt(layer + 1);
        const Vector before = streamAt(layer);
        for (std::size_t i = 0; i < dim; ++i) added[i] -= before[i];
        const auto index = static_cast<std::size_t>(layer);
        double sum = result.attentionBias[index] + result.mlp[index];
        for (int head = 0; head < result.queryHeadCount; ++head) sum += result.head(layer, head);
        near(sum, logitOf(added, last, model, {token}), scale, fmt::format("layer {}", layer));
      }
      near(capped(result.sum(), static_cast<double>(model.config.logitSoftCap)), said, scale, "logit");
    }
  }

  /// Behind several blocks, of a batch the first sequence, and whatever was in the cache.
  void farInAText() {
    model::ModelConfig config = smallConfig({4, 2, 16});
    config.contextLength = 400;
    const model::Model model = randomModel(config, Output::Separate);
    const std::vector<int> tokens = someTokens(300, model.config.vocabSize);
    reference::ReferenceDecoder onHost(model, {.batch = 2});
    UploadedDecoder onDevice(m_gpu.device, model, {.batch = 2});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      for (const int position : {0, 64, 271, 299}) {
        decoder->truncate(0);
        decoder->run(std::span(tokens).first(static_cast<std::size_t>(position) + 1), model::Capture::none());
        const double said = static_cast<double>(decoder->logits()[42]);
        near(attributeLogit(*decoder, model, tokens, position, {42}).sum(), said, 1.0,
             fmt::format("position {}", position));
        for (int sequence = 0; sequence < 2; ++sequence) QCOMPARE(decoder->positionOf(sequence), 0);
      }
    }
  }

  void refusals_data() {
    QTest::addColumn<std::vector<int>>("tokens");
    QTest::addColumn<int>("position");
    QTest::addColumn<int>("token");
    QTest::addColumn<int>("other");
    QTest::addColumn<QString>("sentence");
    const std::vector<int> three{1, 2, 3};
    QTest::newRow("nothing") << std::vector<int>{} << 0 << 1 << 2 << "The text has no token";
    QTest::newRow("a foreign token") << std::vector<int>{1, 999} << 0 << 1 << 2 << "999";
    QTest::newRow("behind the end") << three << 3 << 1 << 2
                                    << "Position 3 was asked for, the text has 0 to 2";
    QTest::newRow("before the beginning") << three << -1 << 1 << 2 << "Position -1 was asked for";
    QTest::newRow("of a foreign token") << three << 0 << 777 << 2 << "777";
    QTest::newRow("less a foreign token") << three << 0 << 1 << -4 << "-4";
  }
  void refusals() {
    QFETCH(std::vector<int>, tokens);
    QFETCH(int, position);
    QFETCH(int, token);
    QFETCH(int, other);
    QFETCH(QString, sentence);
    const model::Model model = randomModel(smallConfig({4, 1, 16}), Output::Tied);
    reference::ReferenceDecoder decoder(model, {});
    try {
      attributeLogit(decoder, model, tokens, position, {token, other});
      QFAIL("It was attributed.");
    } catch (const model::Error& error) {
      QVERIFY2(QString(error.what()).contains(sentence), error.what());
    }
  }

  /// Weights that overflow are a sentence, not parts that are no numbers.
  void notFinite() {
    const EditableModel overflowing = overflowingModel();
    UploadedDecoder decoder(m_gpu.device, overflowing.model, {});
    QVERIFY_THROWS_EXCEPTION(
        model::Error, attributeLogit(decoder, overflowing.model, std::vector<int>{1, kPoison}, 1, {2}));
    QCOMPARE(decoder.position(), 0);
  }
};

QTEST_GUILESS_MAIN(TestLogitAttribution)
#include "tst_logit_attribution.moc"
