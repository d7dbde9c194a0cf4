#include <fmt/format.h>

#include <QRegularExpression>
#include <QTest>
#include <functional>

#include "core/engine/memory_plan.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "core/vulkan/check.h"
#include "tests/engine/kernel_harness.h"
#include "tests/support/architecture_models.h"
#include "tests/support/fixtures.h"
#include "tests/support/small_tests.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using engine::VulkanDecoder;
using model::Capture;
using model::KernelFamily;

Q_DECLARE_METATYPE(ArchitectureRow)

/// Every architecture on the device against the reference in float64: the same tokens one by one and as a
/// prefill, captured attention, and declared traffic against what the kernels count.
class TestArchitectures : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  static std::vector<int> someTokens(int count, int vocabSize) {
    std::vector<int> tokens;
    for (int i = 0; i < count; ++i) tokens.push_back((i * 53 + 7) % vocabSize);
    return tokens;
  }

  static void addRows(const std::function<bool(int row, int family)>& leavesOut) {
    QTest::addColumn<ArchitectureRow>("row");
    QTest::addColumn<KernelFamily>("family");
    const std::vector<ArchitectureRow> rows = architectureRows();
    for (int index = 0; index < std::ssize(rows); ++index) {
      const ArchitectureRow& row = rows[static_cast<std::size_t>(index)];
      for (KernelFamily family : kFamilies) {
        if (leavesOut(index, static_cast<int>(family))) continue;
        QTest::addRow("%s, %s", row.name.c_str(), std::string(shortName(family)).c_str()) << row << family;
      }
    }
  }

  static void compareRows(const model::AttentionRows& actual, const model::AttentionRows& expected) {
    QCOMPARE(actual.values.size() > 0, true);
    QCOMPARE(actual.layers, expected.layers);
    QCOMPARE(actual.pooling, expected.pooling);
    for (int layer = 0; layer < static_cast<int>(actual.layers.size()); ++layer) {
      for (int head = 0; head < actual.queryHeadCount(); ++head) {
        for (int row = 0; row < actual.rowCount; ++row) {
          const double error =
              relativeError<float, float>(actual.row(layer, head, row), expected.row(layer, head, row));
          QVERIFY2(error <= kReferenceF32CacheLimit,
                   fmt::format("layer {}, head {}, row {}: {:.1e}", layer, head, row, error).c_str());
        }
      }
    }
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  void equalsTheReference_data() { addRows(leavesOutComparison); }
  void equalsTheReference() {
    QFETCH(ArchitectureRow, row);
    QFETCH(KernelFamily, family);
    const model::Model model = randomModel(row.config, Output::Tied);
    const std::vector<int> tokens = someTokens(71, model.config.vocabSize);
    const auto prompt = std::span(tokens).first(61);
    UploadedDecoder decoder(m_gpu.device, model, {.kernels = {.family = family}});
    reference::ReferenceDecoder truth(model, {});
    const auto all = model::LogitsRequest::all();
    const model::StepRecord expected = truth.run(prompt, Capture::everything(), all)[0];
    const model::StepRecord actual = decoder.run(prompt, Capture::everything(), all)[0];
    const double error = relativeError<float, float>(actual.logits, expected.logits);
    QVERIFY2(error <= kReferenceF32CacheLimit, fmt::format("prefill: {:.1e}", error).c_str());
    compareRows(actual.attention, expected.attention);
    QCOMPARE(actual.stages.size(), expected.stages.size());
    for (std::size_t stage = 0; stage < actual.stages.size(); ++stage) {
      QCOMPARE(actual.stages[stage].stage, expected.stages[stage].stage);
    }
    for (const int token : std::span(tokens).subspan(61)) {
      // Pooled on the device and by the reference.
      const Capture capture = Capture::pooled(token % 2 == 0 ? 8 : 32);
      const model::StepRecord expectedStep = truth.run(std::span(&token, 1), capture)[0];
      const model::StepRecord step = decoder.run(std::span(&token, 1), capture)[0];
      const double stepError = relativeError<float, float>(decoder.logits(), truth.logits());
      QVERIFY2(stepError <= kReferenceF32CacheLimit, fmt::format("step: {:.1e}", stepError).c_str());
      compareRows(step.attention, expectedStep.attention);
    }
  }

  void declaredIsCounted_data() {
    addRows([](int row, int) { return leavesOutCounting(row); });
  }
  void declaredIsCounted() {
    QFETCH(ArchitectureRow, row);
    QFETCH(KernelFamily, family);
    const model::Model model = randomModel(row.config, Output::Separate);
    UploadedDecoder decoder(m_gpu.device, model, {.kernels = {.family = family}},
                            {.build = engine::KernelBuild::Audit});
    const std::vector<int> tokens = someTokens(41, model.config.vocabSize);
    const auto check = [&](std::span<const int> part, const Capture& capture) {
      const model::StepRecord record = decoder.run(part, capture)[0];
      QCOMPARE(decoder.audited().size(), record.stages.size());
      for (std::size_t stage = 0; stage < record.stages.size(); ++stage) {
        const model::Traffic& declared = record.stages[stage].issued;
        const model::Traffic& counted = decoder.audited()[stage];
        QVERIFY2(
            declared == counted,
            fmt::format("{} of layer {}: weights {} declared, {} counted; KV read {}, {}; activations read "
                        "{}, {}; written {}, {}; capture {}, {}",
                        stageName(record.stages[stage].stage), record.stages[stage].layer,
                        declared.weightsRead, counted.weightsRead, declared.kvRead, counted.kvRead,
                        declared.activationsRead, counted.activationsRead, declared.activationsWritten,
                        counted.activationsWritten, declared.captureWritten, counted.captureWritten)
                .c_str());
      }
    };
    check(std::span(tokens).first(1), Capture::none());
    check(std::span(tokens).subspan(1, 38), Capture::everything());
    check(std::span(tokens).subspan(39, 1), Capture::everything());
    check(std::span(tokens).subspan(40, 1), Capture::pooled(5));
  }

  void neededIsAllocated_data() {
    addRows([](int row, int) { return leavesOutAllocation(row); });
  }
  void neededIsAllocated() {
    QFETCH(ArchitectureRow, row);
    QFETCH(KernelFamily, family);
    const model::Model model = randomModel(row.config, Output::Separate, 1, model::Storage::F16);
    const model::DecoderOptions options{
        .kvType = model::KvType::F16, .contextLength = 100, .batch = 3, .kernels = {.family = family}};
    for (int i = 0; i < 4; ++i)
      UploadedDecoder(m_gpu.device, model, options);  // makes what all uploads share
    const vulkan::Device& device = m_gpu.device;
    const std::uint64_t before = device.requestedBytes();
    const std::uint64_t takenBefore = device.allocatedBytes();
    const engine::DeviceModel deviceModel(m_gpu.device, model, options.kernels);
    const std::uint64_t ofModel = device.requestedBytes() - before;
    const VulkanDecoder decoder(deviceModel, options);
    const std::uint64_t ofDecoder = device.requestedBytes() - before - ofModel;
    QCOMPARE(ofModel, deviceModel.need().total());
    QCOMPARE(ofModel, deviceModel.need().weights);
    QCOMPARE(ofDecoder, decoder.need().total());
    QCOMPARE(decoder.need().weights, std::uint64_t{0});
    const auto layout = engine::WeightLayout::on(device.info(), model, options.kernels);
    const model::MemoryNeed both = engine::planMemory(device, layout, options).need();
    QCOMPARE(both.total(), ofModel + ofDecoder);
    QCOMPARE(engine::planMemory(deviceModel, options).need().total(), both.total());
    QVERIFY(both.total() > 500000);
    // What the device took besides is what each buffer was rounded up to.
    const std::uint64_t taken = device.allocatedBytes() - takenBefore;
    constexpr std::uint64_t kMostRounding = 100 * 256;
    QVERIFY2(taken >= both.total() && taken - both.total() <= kMostRounding,
             fmt::format("{} taken, {} asked for", taken, both.total()).c_str());
  }

  void tooLargeIsRefusedBeforeAllocating() {
    const model::Model model = randomModel(smallConfig({4, 4, 32}), Output::Tied);
    const vulkan::DeviceInfo& info = m_gpu.device.info();
    const model::DecoderOptions options{.contextLength = 60000};
    const engine::StepShape shape = engine::StepShape::make(info, model.config, options);
    const auto layout = engine::WeightLayout::on(info, model, {});
    const engine::MemoryPlan plan = engine::planMemory(m_gpu.device, layout, options);
    const model::MemoryNeed need = plan.need();
    const vulkan::DeviceMemory memory{.total = 300'000'000, .free = 120'000'000};
    QVERIFY(need.total() > memory.free && need.total() < memory.total);
    const auto refusal = [&](const vulkan::DeviceMemory& there, bool weightsAreThere = false) {
      try {
        engine::planMemory(info, there, {layout.need(), weightsAreThere}, &shape).require();
      } catch (const vulkan::Error& error) {
        return QString(error.what());
      }
      return QString();
    };
    const QString sentence = refusal(memory);
    const QString needed = QString::number(static_cast<double>(need.total()) * 1e-6, 'f', 0);
    QVERIFY2(sentence.contains(needed + " MB on " + QString::fromStdString(info.name)), qPrintable(sentence));
    QVERIFY2(sentence.contains("120 MB of 300 MB are free"), qPrintable(sentence));
    // The context that would fit does, and the next one does not.
    const QRegularExpression advice("a context of ([\\d,]+) positions would fit\\.");
    const int fits = advice.match(sentence).captured(1).remove(',').toInt();
    const auto needOf = [&](int context) {
      return engine::planMemory(m_gpu.device, layout, {.contextLength = context}).need().total();
    };
    QVERIFY2(fits > 0 && needOf(fits) <= memory.free && needOf(fits + 1) > memory.free, qPrintable(sentence));
    const QString hopeless = refusal({.total = memory.total, .free = 1});
    QVERIFY2(hopeless.contains("a smaller model") && hopeless.endsWith("would fit."), qPrintable(hopeless));
    QVERIFY(refusal({.total = memory.total, .free = need.total()}).isEmpty());
    // Weights that are there need not fit once more.
    const std::uint64_t own = plan.decoder.total();
    QVERIFY(own < need.total());
    QVERIFY(refusal({.total = memory.total, .free = own}, true).isEmpty());
    QVERIFY(refusal({.total = memory.total, .free = own - 1}, true).startsWith("A decoder of this model"));
    QVERIFY(refusal({.total = memory.total, .free = own}).startsWith("This model needs"));
  }

  void aLearnedContextCannotGrow() {
    model::ModelConfig config = smallConfig({4, 4, 16});
    config.architecture = "gpt2";
    config.traits = model::findArchitecture("gpt2")->traits;
    const model::Model model = randomModel(config, Output::Tied);
    for (const int asked : {config.contextLength + 1, 100000}) {
      try {
        UploadedDecoder decoder(m_gpu.device, model, {.contextLength = asked});
        QFAIL("no error was thrown");
      } catch (const model::Error& error) {
        QVERIFY2(QString(error.what()).contains("learned 128 positions"), error.what());
      }
    }
  }
};

QTEST_GUILESS_MAIN(TestArchitectures)
#include "tst_architectures.moc"
