#include <fmt/format.h>

#include <QTest>
#include <cmath>
#include <functional>
#include <memory>

#include "core/formats/load_model.h"
#include "core/formats/npy.h"
#include "core/model/error.h"
#include "core/model/trace_decoder.h"
#include "core/reference/reference_decoder.h"
#include "tests/engine/kernel_harness.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using model::AttentionPattern;
using model::Capture;
using model::CapturePoint;
using model::HeadIntervention;
using model::KernelFamily;
using model::KvType;

namespace {

constexpr AttentionPattern kPatterns[] = {AttentionPattern::Computed, AttentionPattern::PreviousToken,
                                          AttentionPattern::Uniform, AttentionPattern::FirstToken,
                                          AttentionPattern::Given};

std::vector<int> someTokens(int count, int vocabSize) {
  std::vector<int> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back((i * 53 + 7) % vocabSize);
  return tokens;
}

/// A change of every kind, on heads of both layers.
std::vector<HeadIntervention> everyKind(int headDim) {
  std::vector<HeadIntervention> changes;
  const std::vector<float> vector = randomFloats(static_cast<std::size_t>(headDim), 3);
  changes.push_back({.layer = 1, .queryHead = 3, .gain = vector});
  changes.push_back({.layer = 0, .queryHead = 0, .pattern = AttentionPattern::Uniform, .offset = vector});
  changes.push_back({.layer = 1, .queryHead = 1, .pattern = AttentionPattern::PreviousToken});
  changes.push_back({.layer = 1, .queryHead = 2, .pattern = AttentionPattern::FirstToken, .gain = vector});
  changes.push_back({.layer = 0,
                     .queryHead = 2,
                     .pattern = AttentionPattern::Given,
                     .weights = {0.5f, 0.0f, -0.25f, 0.75f, 0.125f, 1.0f}});
  return changes;
}

}  // namespace

/// Heads that are changed before W_O, in both decoders and families.
class TestInterventions : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  static void check(std::span<const float> actual, std::span<const float> expected, double limit,
                    const std::string& what) {
    const double error = relativeError(actual, expected);
    QVERIFY2(error <= limit, fmt::format("{}: {:.1e}", what, error).c_str());
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// Without each head, against transformers: layers and heads of MHA, GQA and MQA.
  void ablationIsTheirs_data() {
    QTest::addColumn<QString>("folder");
    for (const char* name :
         {"gpt2-MHA", "phi2-MHA", "gemma2-GQA", "qwen3-GQA", "falcon-mqa-MQA", "llama-gqa-GQA"})
      QTest::newRow(name) << QString(name);
  }
  void ablationIsTheirs() {
    QFETCH(QString, folder);
    const std::string path = fixturePath("checkpoints2/" + folder.toStdString());
    const model::Model model = formats::loadModel(path);
    const formats::NpyArray ablation = formats::readNpy(path + "/ablation.npy");
    const std::vector<int> tokens = readIds(readText(path + "/tokens.txt"));
    const auto first = std::span<const int>(tokens).first(24);
    const auto heads = static_cast<int>(ablation.shape[1]);
    const auto vocabSize = static_cast<std::size_t>(ablation.shape[2]);
    reference::ReferenceDecoder onHost(model, {});
    UploadedDecoder packed(m_gpu.device, model, {.kernels = {.family = KernelFamily::Packed}});
    UploadedDecoder rows(m_gpu.device, model, {.kernels = {.family = KernelFamily::Rows}});
    for (int index = 0; index < ablation.shape[0] * heads; ++index) {
      const auto expected = std::span<const double>(ablation.values)
                                .subspan(static_cast<std::size_t>(index) * vocabSize, vocabSize);
      const HeadIntervention change = HeadIntervention::ablation(index / heads, index % heads, model.config);
      for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &packed, &rows}) {
        decoder->truncate(0);
        decoder->setInterventions(std::span(&change, 1));
        decoder->run(first, Capture::none());
        const double error = relativeError(decoder->logits(), expected);
        const double limit = decoder == &onHost ? 1e-6 : kF32LogitsLimit;
        QVERIFY2(error <= limit, fmt::format("head {} of layer {}, {}: {:.1e}", index % heads, index / heads,
                                             decoder->deviceName(), error)
                                     .c_str());
      }
    }
  }

  /// The reference's changed output against weights of the values by the test, MHA, GQA and MQA.
  void patternsAreWhatTheySay_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("MHA") << 4;
    QTest::newRow("GQA") << 2;
    QTest::newRow("MQA") << 1;
  }
  void patternsAreWhatTheySay() {
    QFETCH(int, kvHeads);
    model::ModelConfig config = smallConfig({4, kvHeads, 16});
    config.traits.windows = model::Windows::EvenLayers;
    config.slidingWindow = 5;
    const model::Model model = randomModel(config, Output::Tied);
    const std::vector<int> tokens = someTokens(9, model.config.vocabSize);
    const Capture capture{
        .activations = {{CapturePoint::Values, {0, 1}}, {CapturePoint::HeadOutputs, {0, 1}}}};
    const std::vector<float> given{0.5f, -1.0f, 0.25f};
    const std::vector<float> gain = randomFloats(16, 4);
    const std::vector<float> offset = randomFloats(16, 5);
    for (int layer = 0; layer < 2; ++layer) {
      for (const AttentionPattern pattern : kPatterns) {
        reference::ReferenceDecoder decoder(model, {});
        const auto before = decoder.run(tokens, capture).front();
        decoder.truncate(0);
        const HeadIntervention change{.layer = layer,
                                      .queryHead = 3,
                                      .pattern = pattern,
                                      .weights = given,
                                      .gain = gain,
                                      .offset = offset};
        decoder.setInterventions(std::span(&change, 1));
        const auto after = decoder.run(tokens, capture).front();
        for (int row = 0; row < 9; ++row) {
          const auto was = before.find(CapturePoint::HeadOutputs, layer)->row(row);
          const auto is = after.find(CapturePoint::HeadOutputs, layer)->row(row);
          QVERIFY(std::ranges::equal(was.first(48), is.first(48)));
          for (std::size_t i = 0; i < 16; ++i) {
            const auto valueAt = [&](int position) {
              const auto values = after.find(CapturePoint::Values, layer)->row(position);
              return static_cast<double>(values[static_cast<std::size_t>(3 * kvHeads / 4) * 16 + i]);
            };
            double mixed = 0.0;
            const int seen = layer == 0 ? std::max(0, row - 4) : 0;
            if (pattern == AttentionPattern::Computed) mixed = static_cast<double>(was[48 + i]);
            if (pattern == AttentionPattern::PreviousToken) mixed = valueAt(row == 0 ? 0 : row - 1);
            if (pattern == AttentionPattern::FirstToken) mixed = valueAt(0);
            for (int at = seen; pattern == AttentionPattern::Uniform && at <= row; ++at)
              mixed += valueAt(at) / (row - seen + 1);
            for (int at = 0; pattern == AttentionPattern::Given && at <= std::min(row, 2); ++at)
              mixed += static_cast<double>(given[static_cast<std::size_t>(at)]) * valueAt(at);
            const double expected = static_cast<double>(gain[i]) * mixed + static_cast<double>(offset[i]);
            QVERIFY(std::abs(static_cast<double>(is[48 + i]) - expected) < 1e-5);
          }
        }
      }
    }
  }

  /// Several changes at once, filling and decoding, over several chunks of the context; both caches.
  void theDevicesAreTheReferences_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<KernelFamily>("family");
    QTest::addColumn<bool>("f16");
    QTest::addColumn<bool>("mergesLast");
    for (const KernelFamily family : kFamilies) {
      for (const int kvHeads : {4, 2, 1}) {
        QTest::addRow("%d KV heads, %s", kvHeads, std::string(shortName(family)).c_str())
            << kvHeads << family << (kvHeads == 1) << false;
      }
    }
    // Layers without changes only.
    QTest::newRow("merged by the last workgroup") << 2 << KernelFamily::Rows << false << true;
  }
  void theDevicesAreTheReferences() {
    QFETCH(int, kvHeads);
    QFETCH(KernelFamily, family);
    QFETCH(bool, f16);
    QFETCH(bool, mergesLast);
    const int headDim = mergesLast ? 24 : 20;
    model::ModelConfig config = smallConfig({4, kvHeads, headDim});
    config.contextLength = 400;
    config.traits.windows = model::Windows::EvenLayers;
    config.slidingWindow = 50;
    const model::Model model = randomModel(config, Output::Separate);
    const KvType type = f16 ? KvType::F16 : KvType::F32;
    UploadedDecoder decoder(m_gpu.device, model,
                            {.kvType = type,
                             .kernels = {.family = family,
                                         .attentionWorkgroups = 16,
                                         .merging = mergesLast ? model::AttentionMerging::LastWorkgroup
                                                               : model::AttentionMerging::Automatic}});
    QVERIFY(decoder.shape().chunkCount > 1);
    QCOMPARE(decoder.shape().mergesLast, mergesLast);
    reference::ReferenceDecoder truth(model, {.kvType = type});
    const std::vector<int> tokens = someTokens(200, model.config.vocabSize);
    const std::vector<HeadIntervention> changes = everyKind(headDim);
    const Capture capture{
        .all = true,
        .activations = {{CapturePoint::HeadOutputs, {0, 1}}, {CapturePoint::SoftmaxExtents, {1}}}};
    const double limit = f16 ? kReferenceF16CacheLimit : kReferenceF32CacheLimit;
    for (model::Decoder* each : std::initializer_list<model::Decoder*>{&decoder, &truth}) {
      each->run(std::span(tokens).first(140), Capture::none());
      each->setInterventions(changes);
    }
    for (const auto& [first, count] :
         std::vector<std::pair<std::size_t, std::size_t>>{{140, 30}, {170, 1}, {171, 1}}) {
      const auto part = std::span<const int>(tokens).subspan(first, count);
      const auto actual = decoder.run(part, capture).front();
      const auto expected = truth.run(part, capture).front();
      for (std::size_t place = 0; place < 3; ++place) {
        check(actual.activations[place].values, expected.activations[place].values, limit,
              fmt::format("place {}", place));
      }
      check(actual.attention.row(1, 3, 0), expected.attention.row(1, 3, 0), limit, "attention as computed");
      check(decoder.logits(), truth.logits(), limit, "logits");
    }
  }

  /// Where none is set: the same bits, no dispatch, no byte; also after some were set and taken back.
  void noneCostsNothing() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    const std::vector<int> tokens = someTokens(30, model.config.vocabSize);
    for (const KernelFamily family : kFamilies) {
      UploadedDecoder untouched(m_gpu.device, model, {.kernels = {.family = family}});
      UploadedDecoder decoder(m_gpu.device, model, {.kernels = {.family = family}});
      const auto expected = untouched.run(tokens, Capture::everything()).front();
      const std::uint64_t before = m_gpu.device.requestedBytes();
      decoder.setInterventions(everyKind(16));
      decoder.run(tokens, Capture::none());
      QVERIFY(!std::ranges::equal(decoder.logits(), untouched.logits()));
      decoder.truncate(0);
      decoder.setInterventions({});
      QCOMPARE(m_gpu.device.requestedBytes(), before);
      const auto actual = decoder.run(tokens, Capture::everything()).front();
      QVERIFY(std::ranges::equal(decoder.logits(), untouched.logits()));
      QVERIFY(actual.attention.values == expected.attention.values);
      QVERIFY(actual.issued() == expected.issued());
      for (std::size_t stage = 0; stage < actual.stages.size(); ++stage) {
        QCOMPARE(actual.stages[stage].dispatchCount, expected.stages[stage].dispatchCount);
      }
    }
  }

  /// A head whose output is multiplied by 1 gives the same bits, MHA, GQA and MQA; by 0.5 it does not.
  void gainOfOneChangesNoBit() {
    for (const int kvHeads : {4, 2, 1}) {
      const model::Model model = randomModel(smallConfig({4, kvHeads, 16}), Output::Tied);
      const std::vector<int> tokens = someTokens(30, model.config.vocabSize);
      for (const KernelFamily family : kFamilies) {
        UploadedDecoder untouched(m_gpu.device, model, {.kernels = {.family = family}});
        UploadedDecoder decoder(m_gpu.device, model, {.kernels = {.family = family}});
        untouched.run(tokens, Capture::none());
        for (const float gain : {1.0f, 0.5f}) {
          decoder.truncate(0);
          decoder.setInterventions(std::vector{
              HeadIntervention{.layer = 0, .queryHead = 1, .gain = std::vector<float>(16, gain)},
              HeadIntervention{.layer = 1, .queryHead = 3, .gain = std::vector<float>(16, gain)}});
          decoder.run(tokens, Capture::none());
          QCOMPARE(std::ranges::equal(decoder.logits(), untouched.logits()), gain == 1.0f);
        }
      }
    }
  }

  void declaredIsCounted() {
    model::ModelConfig config = smallConfig({4, 2, 20});
    config.traits.windows = model::Windows::EvenLayers;
    config.slidingWindow = 5;
    const model::Model model = randomModel(config, Output::Tied);
    const std::vector<int> tokens = someTokens(40, model.config.vocabSize);
    for (const KernelFamily family : kFamilies) {
      for (const KvType type : {KvType::F32, KvType::F16}) {
        UploadedDecoder decoder(
            m_gpu.device, model,
            {.kvType = type, .batch = 2, .kernels = {.family = family, .attentionWorkgroups = 16}},
            {.build = engine::KernelBuild::Audit});
        decoder.setInterventions(everyKind(20));
        for (const auto& [first, count] :
             std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}, {1, 30}, {31, 1}}) {
          const auto record = decoder.run(std::span(tokens).subspan(first, count), Capture::none()).front();
          for (std::size_t stage = 0; stage < record.stages.size(); ++stage) {
            const model::Traffic& declared = record.stages[stage].issued;
            const model::Traffic& counted = decoder.audited()[stage];
            QVERIFY2(
                declared == counted,
                fmt::format(
                    "{} of layer {}: weights {}, {}; KV read {}, {}; activations read {}, {}; written {}, {}",
                    stageName(record.stages[stage].stage), record.stages[stage].layer, declared.weightsRead,
                    counted.weightsRead, declared.kvRead, counted.kvRead, declared.activationsRead,
                    counted.activationsRead, declared.activationsWritten, counted.activationsWritten)
                    .c_str());
          }
        }
      }
    }
  }

  void whatIsNotThereIsRefused() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    reference::ReferenceDecoder onHost(model, {});
    UploadedDecoder onDevice(m_gpu.device, model, {});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onHost, &onDevice}) {
      const auto refused = [&](const std::vector<HeadIntervention>& changes, const char* fragment) {
        try {
          decoder->setInterventions(changes);
          QFAIL("no error was thrown");
        } catch (const model::Error& error) {
          QVERIFY2(QString(error.what()).contains(fragment), error.what());
        }
      };
      refused({{.layer = 2}}, "heads 0 to 3 of layers 0 to 1");
      refused({{.queryHead = 4}}, "Head 4 of layer 0");
      refused({{.gain = {1.0f}}}, "a vector of 1 elements, expected 16");
      refused({{}, {}}, "changed twice");
    }
  }
};

QTEST_GUILESS_MAIN(TestInterventions)
#include "tst_interventions.moc"
