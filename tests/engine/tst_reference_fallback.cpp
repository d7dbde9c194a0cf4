#include <QTest>
#include <cmath>

#include "core/engine/reference_fallback.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "tests/engine/kernel_harness.h"
#include "tests/support/edited_model.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using model::Capture;

namespace {

constexpr int kHeadDim = 6;
constexpr int kPadded = 8;

/// The same function as `source`, whose heads have 6 elements, with heads of 8: two of each are 0 and are
/// not rotated, and scores are scaled as before.
EditableModel padded(const model::Model& source) {
  model::ModelConfig config = source.config;
  config.attention.headDim = kPadded;
  config.ropeDim = kHeadDim;
  config.attentionScale = 1.0f / std::sqrt(static_cast<float>(kHeadDim));
  EditableModel result{randomModel(config, Output::Separate)};
  model::Weights& to = result.model.weights;
  const model::Weights& from = source.weights;
  to.tokenEmbedding = from.tokenEmbedding;
  to.output = from.output;
  to.outputNorm = from.outputNorm;
  const auto pad = [&](model::Tensor& target, const model::Tensor& origin, bool byRow) {
    const std::span<float> values = result.edit(target);
    std::ranges::fill(values, 0.0f);
    const std::vector<float> old = origin.toFloat();
    for (std::int64_t row = 0; row < origin.rows; ++row) {
      for (std::int64_t column = 0; column < origin.columns; ++column) {
        const std::int64_t toRow = byRow ? row / kHeadDim * kPadded + row % kHeadDim : row;
        const std::int64_t toColumn = byRow ? column : column / kHeadDim * kPadded + column % kHeadDim;
        values[static_cast<std::size_t>(toRow * target.columns + toColumn)] =
            old[static_cast<std::size_t>(row * origin.columns + column)];
      }
    }
  };
  for (std::size_t layer = 0; layer < to.layers.size(); ++layer) {
    model::LayerWeights& target = to.layers[layer];
    const model::LayerWeights& origin = from.layers[layer];
    target.attentionNorm = origin.attentionNorm;
    target.ffnNorm = origin.ffnNorm;
    target.ffnGate = origin.ffnGate;
    target.ffnUp = origin.ffnUp;
    target.ffnDown = origin.ffnDown;
    pad(target.query, origin.query, true);
    pad(target.key, origin.key, true);
    pad(target.value, origin.value, true);
    pad(target.attentionOutput, origin.attentionOutput, false);
  }
  return result;
}

}  // namespace

/// Models whose head_dim is no multiple of 4 run on the reference, and say so.
class TestReferenceFallback : public QObject {
  Q_OBJECT

 private slots:
  void theNoteSaysWhy() {
    const auto note = [](int headDim) { return engine::referenceNote(smallConfig({4, 2, headDim}), {}); };
    for (int headDim = 4; headDim <= 256; headDim += 4) QVERIFY(!note(headDim));
    QVERIFY2(note(260)->starts_with("head_dim 260 is more than 256, so this model runs on the float64"),
             note(260)->c_str());
    for (const int headDim : {2, 6, 10, 33, 250}) {
      QVERIFY2(note(headDim)->starts_with("head_dim " + std::to_string(headDim) + " is no multiple of 4"),
               note(headDim)->c_str());
    }
    QCOMPARE(*note(6),
             std::string("head_dim 6 is no multiple of 4, so this model runs on the float64 reference "
                         "on the processor; its times are the processor's."));
  }

  void aRoundedCacheIsSaid() {
    const model::DecoderOptions options{.kvType = model::KvType::F16};
    QVERIFY(!engine::referenceNote(smallConfig({4, 2, 8}), options));
    const std::string note = *engine::referenceNote(smallConfig({4, 2, 6}), options);
    QVERIFY2(QString::fromStdString(note).contains("rounds keys and values to f16 and keeps them in float64"),
             note.c_str());
  }

  void aKernelThatTheReferenceHasNotIsRefused() {
    const model::DecoderOptions options{.attention = model::AttentionKernel::Naive};
    QVERIFY(!engine::referenceNote(smallConfig({4, 2, 8}), options));
    try {
      engine::referenceNote(smallConfig({4, 2, 6}), options);
      QFAIL("no error was thrown");
    } catch (const model::Error& error) {
      QVERIFY2(QString(error.what()).startsWith("head_dim 6 is no multiple of 4"), error.what());
      QVERIFY2(QString(error.what()).contains("no kernels to choose from; the naive one was asked for"),
               error.what());
    }
  }

  /// Its logits are those of the same model with padded heads on the device, its bytes those of float64.
  void itDecodesWhatThePaddedModelDoes_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("MHA") << 4;
    QTest::newRow("GQA") << 2;
    QTest::newRow("MQA") << 1;
  }
  void itDecodesWhatThePaddedModelDoes() {
    QFETCH(int, kvHeads);
    TestDevice gpu;
    const model::Model model = randomModel(smallConfig({4, kvHeads, kHeadDim}), Output::Separate);
    const EditableModel wide = padded(model);
    reference::ReferenceDecoder decoder(model, {}, "a note");
    UploadedDecoder onDevice(gpu.device, wide.model, {});
    std::vector<int> tokens;
    for (int i = 0; i < 40; ++i) tokens.push_back((i * 37 + 11) % model.config.vocabSize);
    const auto all = model::LogitsRequest::all();
    const model::StepRecord record = decoder.run(tokens, Capture::everything(), all).front();
    const double error =
        relativeError<float, float>(onDevice.run(tokens, Capture::none(), all).front().logits, record.logits);
    QVERIFY2(error <= kReferenceF32CacheLimit, qPrintable(QString::number(error)));
    QCOMPARE(decoder.note(), std::string("a note"));
    QCOMPARE(decoder.options().kvType, model::KvType::F64);
    // 2 (K and V) x 2 layers x KV heads x 40 positions x 6 elements x 8 bytes.
    QCOMPARE(record.cacheBytesUsed, static_cast<std::uint64_t>(2 * 2 * kvHeads * 40 * 6 * 8));
    QCOMPARE(record.cacheBytesUsed, model::kvCacheBytes(decoder.config(), decoder.options().kvType, 40));
    QCOMPARE(gpu.firstValidationError(), std::string());
  }
};

QTEST_GUILESS_MAIN(TestReferenceFallback)
#include "tst_reference_fallback.moc"
