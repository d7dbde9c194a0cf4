#include <QTest>
#include <functional>

#include "core/engine/device_model.h"
#include "core/engine/memory_plan.h"
#include "core/engine/vulkan_decoder.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "tests/engine/kernel_harness.h"
#include "tests/support/fixtures.h"

using namespace headroom;
using namespace headroom::tests;
using engine::DeviceModel;
using engine::VulkanDecoder;
using model::AttentionKernel;
using model::Capture;
using model::KernelFamily;
using model::KvType;

/// Weights that several decoders share.
class TestDeviceModel : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  static std::vector<int> someTokens(int count, int vocabSize) {
    std::vector<int> tokens;
    for (int i = 0; i < count; ++i) tokens.push_back((i * 53 + 7) % vocabSize);
    return tokens;
  }

  static std::string sentenceOf(const std::function<void()>& work) {
    try {
      work();
    } catch (const model::Error& error) {
      return error.what();
    }
    return {};
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// Fails where decoders share what belongs to one of them, or upload what is there.
  void decodersOfEveryKindShareIt_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<KernelFamily>("family");
    for (const KernelFamily family : kFamilies) {
      const std::string name(shortName(family));
      QTest::addRow("MHA, %s", name.c_str()) << 4 << family;
      QTest::addRow("GQA, %s", name.c_str()) << 2 << family;
      QTest::addRow("MQA, %s", name.c_str()) << 1 << family;
    }
  }
  void decodersOfEveryKindShareIt() {
    QFETCH(int, kvHeads);
    QFETCH(KernelFamily, family);
    const model::Model model = randomModel(smallConfig({4, kvHeads, 16}), Output::Tied);
    const DeviceModel deviceModel(m_gpu.device, model, {.family = family});
    const std::vector<int> tokens = someTokens(20, model.config.vocabSize);
    reference::ReferenceDecoder truth(model, {});
    for (int i = 0; i < 4; ++i) VulkanDecoder(deviceModel, {});  // makes what all uploads share
    const std::uint64_t before = m_gpu.device.requestedBytes();
    VulkanDecoder plain(deviceModel, {});
    VulkanDecoder shorter(deviceModel, {.contextLength = 20, .attention = AttentionKernel::Naive});
    VulkanDecoder halves(deviceModel, {.kvType = KvType::F16, .contextLength = 90, .batch = 3});
    QCOMPARE(m_gpu.device.requestedBytes() - before,
             plain.need().total() + shorter.need().total() + halves.need().total());
    // By turns, so that one would see what another left behind.
    for (const int& token : tokens) {
      truth.run(std::span(&token, 1), Capture::none());
      for (VulkanDecoder* decoder : {&plain, &shorter, &halves}) {
        decoder->run(std::span(&token, 1), Capture::none());
        const double error = relativeError(decoder->logits(), truth.logits());
        QVERIFY(error <= (decoder == &halves ? kReferenceF16CacheLimit : kReferenceF32CacheLimit));
      }
    }
  }

  /// A learned position lies where every context finds it, whatever decoder came first.
  void learnedPositionsAreAllThere() {
    model::ModelConfig config = smallConfig({4, 4, 16});
    config.architecture = "gpt2";
    config.traits = model::findArchitecture("gpt2")->traits;
    config.traits.activation = model::Activation::GeluTanh;
    const model::Model model = randomModel(config, Output::Tied);
    const DeviceModel deviceModel(m_gpu.device, model);
    VulkanDecoder first(deviceModel, {.contextLength = 8});
    VulkanDecoder whole(deviceModel, {});
    const std::vector<int> tokens = someTokens(config.contextLength, model.config.vocabSize);
    reference::ReferenceDecoder truth(model, {});
    truth.run(tokens, Capture::none());
    whole.run(tokens, Capture::none());
    QVERIFY(relativeError(whole.logits(), truth.logits()) <= kReferenceF32CacheLimit);
  }

  /// By each of the three ways that a device may tell what is free.
  void freeMemoryIsTold() {
    const vulkan::DeviceMemory system = m_gpu.device.memory();
    QVERIFY(system.free > 0 && system.free <= system.total);
    vulkan::DeviceInfo info = m_gpu.device.info();
    info.type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;  // whose memory is not the system's
    if (info.memoryBudget) {
      const vulkan::Device budgeted(m_gpu.instance, info);
      const vulkan::DeviceMemory memory = budgeted.memory();
      QVERIFY(memory.free > 0 && memory.free <= memory.total);
    }
    info.memoryBudget = false;
    vulkan::Device counted(m_gpu.instance, info);
    QCOMPARE(counted.memory().free, info.memoryBytes);
    const vulkan::Buffer buffer(counted, 1000001, vulkan::MemoryPlace::Host, "a test");
    QCOMPARE(counted.memory().free, info.memoryBytes - buffer.allocatedBytes());
    QCOMPARE(counted.memory().total, info.memoryBytes);
  }

  void itGoesWhenItIsDone() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    { const DeviceModel warmsUp(m_gpu.device, model); }
    const std::uint64_t before = m_gpu.device.requestedBytes();
    { const DeviceModel deviceModel(m_gpu.device, model); }
    QCOMPARE(m_gpu.device.requestedBytes(), before);
  }

  void openChoicesAreTheModels() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    const DeviceModel packed(m_gpu.device, model,
                             {.family = KernelFamily::Packed, .rowBlocks = 2, .attentionWorkgroups = 3});
    const VulkanDecoder decoder(packed, {});
    QVERIFY(decoder.shape().plan == packed.plan());
    QCOMPARE(decoder.shape().plan.rowBlocks, 2);
    // So many workgroups of attention as fill the device, where its driver tells how large it is.
    vulkan::DeviceInfo gpu = m_gpu.device.info();
    gpu.type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    gpu.computeUnits = 0;
    QCOMPARE(engine::resolvePlan(gpu, {}).attentionWorkgroups, 512);
    gpu.computeUnits = 46;
    QCOMPARE(engine::resolvePlan(gpu, {}).attentionWorkgroups, 184);
    QCOMPARE(engine::resolvePlan(gpu, {.attentionWorkgroups = 7}).attentionWorkgroups, 7);
    const VulkanDecoder other(packed, {.kernels = {.attentionWorkgroups = 5}});
    QCOMPARE(other.shape().plan.attentionWorkgroups, 5);
  }

  void anotherLayoutIsRefused() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    const DeviceModel packed(m_gpu.device, model, {.family = KernelFamily::Packed, .rowBlocks = 2});
    const std::string family =
        sentenceOf([&] { VulkanDecoder(packed, {.kernels = {.family = KernelFamily::Rows}}); });
    QVERIFY2(QString::fromStdString(family).contains("a decoder asked for \"rows"), family.c_str());
    const std::string blocks = sentenceOf([&] { VulkanDecoder(packed, {.kernels = {.rowBlocks = 8}}); });
    QVERIFY2(QString::fromStdString(blocks).contains("8 row blocks"), blocks.c_str());
  }

  void storagesStayAsStoredInTheRowsFamily_data() {
    QTest::addColumn<model::Storage>("storage");
    using enum model::Storage;
    for (const model::Storage storage : {F32, F16, Q8_0, BF16, Q4_0, Q4_K, Q5_K, Q6_K})
      QTest::addRow("%s", std::string(shortName(storage)).c_str()) << storage;
  }
  /// Announced as it is uploaded, and no more than the bytes of the file but for norms; the packed family
  /// says what it widens.
  void storagesStayAsStoredInTheRowsFamily() {
    QFETCH(model::Storage, storage);
    model::ModelConfig config = smallConfig({4, 2, 64});
    config.modelDim = 256;
    config.ffnDim = 512;
    const model::Model model = randomModel(config, Output::Separate, 1, storage);
    const std::uint64_t stored = model.weights.storedBytes();
    makeRoomForUploads(m_gpu.device);
    const std::uint64_t before = m_gpu.device.requestedBytes();
    const DeviceModel deviceModel(m_gpu.device, model, {.family = KernelFamily::Rows});
    QCOMPARE(m_gpu.device.requestedBytes() - before, deviceModel.need().weights);
    QCOMPARE(deviceModel.need().weights, stored);
    QCOMPARE(deviceModel.need().storage, std::string(shortName(storage)));
    const model::DecoderOptions options{.kernels = {.family = KernelFamily::Packed}};
    const auto layout = engine::WeightLayout::on(m_gpu.device.info(), model, options.kernels);
    const model::MemoryNeed packed = engine::planMemory(m_gpu.device, layout, options).need();
    const bool kept = engine::hasKernels(KernelFamily::Packed, storage);
    QCOMPARE(packed.storage, std::string(shortName(storage)) + (kept ? "" : " widened to F32"));
    QVERIFY(kept || packed.weights > 1.9 * static_cast<double>(stored));
  }

  void partsStayAsStored_data() {
    QTest::addColumn<KernelFamily>("family");
    QTest::addColumn<model::Storage>("storage");
    QTest::addColumn<model::Storage>("others");
    QTest::addColumn<QString>("architecture");
    using enum model::Storage;
    const auto packed = KernelFamily::Packed;
    const auto rows = KernelFamily::Rows;
    QTest::addRow("Q4_K, V as Q6_K, rows") << rows << Q4_K << Q6_K << QString("llama");
    QTest::addRow("Q5_K, V as F32, head norms, rows") << rows << Q5_K << F32 << QString("qwen3");
    QTest::addRow("Q4_0, V as BF16, row terms, rows") << rows << Q4_0 << BF16 << QString("gpt2");
    QTest::addRow("Q8_0, V as F16, packed") << packed << Q8_0 << F16 << QString("llama");
    QTest::addRow("F32, V as Q8_0, row terms, packed") << packed << F32 << Q8_0 << QString("gpt2");
  }
  /// Where V is stored otherwise than Q and K each keeps its storage: the same logits, and announced =
  /// uploaded = the bytes of the file.
  void partsStayAsStored() {
    QFETCH(KernelFamily, family);
    QFETCH(model::Storage, storage);
    QFETCH(model::Storage, others);
    QFETCH(QString, architecture);
    model::ModelConfig config = smallConfig({4, 2, 64});
    config.modelDim = 256;
    config.ffnDim = 512;
    config.architecture = architecture.toStdString();
    config.traits = model::findArchitecture(config.architecture)->traits;
    if (config.traits.activation == model::Activation::GeluTable)
      config.traits.activation = model::Activation::GeluTanh;
    const model::Model model = mixedModel(config, storage, others);
    makeRoomForUploads(m_gpu.device);
    const std::uint64_t before = m_gpu.device.requestedBytes();
    const DeviceModel deviceModel(m_gpu.device, model, {.family = family});
    QCOMPARE(m_gpu.device.requestedBytes() - before, deviceModel.need().weights);
    QCOMPARE(deviceModel.weights().layers[0].qkv.size(), std::size_t{2});
    QCOMPARE(deviceModel.weights().layers[1].qkv.size(), std::size_t{1});
    // The packed family pads matrices; row terms are no bytes of the file.
    if (family == KernelFamily::Rows && architecture == "llama")
      QCOMPARE(deviceModel.need().weights, model.weights.storedBytes());
    VulkanDecoder decoder(deviceModel, {});
    reference::ReferenceDecoder truth(model, {});
    const std::vector<int> tokens = someTokens(21, model.config.vocabSize);
    const auto compare = [&](std::span<const int> next) {
      truth.run(next, Capture::none());
      decoder.run(next, Capture::none());
      const double error = relativeError(decoder.logits(), truth.logits());
      QVERIFY2(error <= kReferenceF32CacheLimit, qPrintable(QString("relative error %1").arg(error)));
    };
    compare(std::span(tokens).first(13));
    for (const int& token : std::span(tokens).subspan(13)) compare(std::span(&token, 1));
  }

  /// Q8_0 with a byte of -128 becomes F32 in the packed family: announced as it is uploaded.
  void widenedBlocksAreAnnounced() {
    model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Separate, 1, model::Storage::Q8_0);
    const model::Tensor& down = model.weights.layers[0].ffnDown;
    std::vector<std::byte> edited(down.bytes.begin(), down.bytes.end());
    edited[5] = std::byte{0x80};
    const std::uint64_t asStored = DeviceModel(m_gpu.device, model).need().weights;
    model.weights.layers[0].ffnDown.bytes = edited;
    const std::uint64_t before = m_gpu.device.requestedBytes();
    const DeviceModel deviceModel(m_gpu.device, model, {.family = KernelFamily::Packed});
    QCOMPARE(m_gpu.device.requestedBytes() - before, deviceModel.need().weights);
    QVERIFY(deviceModel.need().weights > asStored);
    const auto layout = engine::WeightLayout::on(m_gpu.device.info(), model, deviceModel.plan());
    QCOMPARE(engine::planMemory(m_gpu.device, layout, {}).need().weights, deviceModel.need().weights);
  }
};

QTEST_GUILESS_MAIN(TestDeviceModel)
#include "tst_device_model.moc"
