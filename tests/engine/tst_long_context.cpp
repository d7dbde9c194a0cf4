#include <QTest>
#include <algorithm>
#include <cmath>
#include <random>

#include "tests/engine/kernel_harness.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using model::Capture;

namespace {

constexpr int kContext = 65536;
constexpr int kHeadDim = 16;
constexpr int kQueryHeads = 8;
constexpr int kKvHeads = 2;
constexpr unsigned kSeed = 1;
/// fillCache() repeats so many halves.
constexpr std::size_t kFilled = (1u << 20) / 2;

/// RoPE of one head's elements, in adjacent pairs.
std::vector<double> rotated(std::vector<double> head, int position, double base) {
  for (std::size_t i = 0; i < head.size(); i += 2) {
    const double angle = position * std::pow(base, -static_cast<double>(i) / kHeadDim);
    const double first = head[i];
    head[i] = first * std::cos(angle) - head[i + 1] * std::sin(angle);
    head[i + 1] = first * std::sin(angle) + head[i + 1] * std::cos(angle);
  }
  return head;
}

/// The attention of one query head of a one-layer model at the last position of a filled cache, by the
/// textbook.
std::vector<double> attentionByHand(const model::Model& model, int token, int queryHead) {
  const model::LayerWeights& layer = model.weights.layers[0];
  std::vector<float> embedding(static_cast<std::size_t>(model.config.modelDim));
  model.weights.tokenEmbedding.readRow(token, embedding);
  const std::vector<double> input = normalise(embedding, layer.attentionNorm, model.config.normEpsilon);
  const int position = kContext - 1;
  const auto headOf = [&](const model::Tensor& weights, int head) {
    const std::vector<double> all = multiply(weights, input);
    const auto first = all.begin() + head * kHeadDim;
    return rotated({first, first + kHeadDim}, position, static_cast<double>(model.config.ropeBase));
  };
  const int kvHead = queryHead / (kQueryHeads / kKvHeads);
  const std::vector<double> query = headOf(layer.query, queryHead);
  const std::vector<double> ownKey = headOf(layer.key, kvHead);

  std::mt19937 random(kSeed);
  std::normal_distribution<float> normal;
  std::vector<float> filled(kFilled);
  for (float& value : filled) value = model::halfToFloat(model::floatToHalf(normal(random)));
  std::vector<double> attention(kContext);
  for (std::size_t at = 0; at < kContext; ++at) {
    for (std::size_t i = 0; i < kHeadDim; ++i) {
      const std::size_t element = (static_cast<std::size_t>(kvHead) * kContext + at) * kHeadDim + i;
      const double key =
          at + 1 < kContext
              ? static_cast<double>(filled[element % kFilled])
              : static_cast<double>(model::halfToFloat(model::floatToHalf(static_cast<float>(ownKey[i]))));
      attention[at] += query[i] * key / std::sqrt(static_cast<double>(kHeadDim));
    }
  }
  const double highest = *std::ranges::max_element(attention);
  double sum = 0.0;
  for (double& score : attention) sum += score = std::exp(score - highest);
  for (double& weight : attention) weight /= sum;
  return attention;
}

}  // namespace

/// 65,536 positions: whole rows and rows pooled on the device against sums in double by hand.
class TestLongContext : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  void pooledRowsHoldTheLargest() {
    model::ModelConfig config = smallConfig({kQueryHeads, kKvHeads, kHeadDim});
    config.layerCount = 1;
    config.contextLength = kContext;
    const model::Model model = randomModel(config, Output::Tied);
    UploadedDecoder decoder(m_gpu.device, model, {.kvType = model::KvType::F16});
    decoder.fillCache(kContext - 1, kSeed);
    const int token = 3;
    const model::StepRecord record = decoder.run(std::span(&token, 1), Capture::pooled(1024)).front();
    QCOMPARE(decoder.position(), kContext);
    QCOMPARE(record.attention.pooling, 64);
    QCOMPARE(record.attention.valueCount(0), 1024);
    for (const int head : {0, 5}) {
      const std::vector<double> expected = attentionByHand(model, token, head);
      const auto full =
          decoder.replay(kContext - 1, std::span(&token, 1), {.layers = {0}, .queryHeads = {head}});
      const double error = relativeError(full.front().row(0, 0, 0), std::span<const double>(expected));
      QVERIFY2(error <= kReferenceF32CacheLimit, qPrintable(QString::number(error)));
      std::vector<double> largest;
      for (std::size_t first = 0; first < kContext; first += 64) {
        largest.push_back(*std::ranges::max_element(std::span(expected).subspan(first, 64)));
      }
      const double pooledError =
          relativeError(record.attention.row(0, head, 0), std::span<const double>(largest));
      QVERIFY2(pooledError <= kReferenceF32CacheLimit, qPrintable(QString::number(pooledError)));
    }
  }
};

QTEST_GUILESS_MAIN(TestLongContext)
#include "tst_long_context.moc"
