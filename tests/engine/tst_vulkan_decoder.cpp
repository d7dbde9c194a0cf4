#include <QTest>

#include "core/formats/gguf/gguf_model.h"
#include "core/formats/npy.h"
#include "core/model/error.h"
#include "core/model/trace_decoder.h"
#include "core/reference/reference_decoder.h"
#include "core/vulkan/check.h"
#include "core/vulkan/kernel_store.h"
#include "tests/engine/kernel_harness.h"
#include "tests/support/fixtures.h"
#include "tests/support/small_tests.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using model::Capture;
using model::KvType;

namespace {

std::vector<float> stepwise(model::Decoder& decoder, std::span<const int> tokens) {
  std::vector<float> all;
  for (const int token : tokens) {
    decoder.run(std::span(&token, 1), Capture::none());
    all.insert(all.end(), decoder.logits().begin(), decoder.logits().end());
  }
  return all;
}

std::vector<float> prefilled(model::Decoder& decoder, std::span<const int> tokens) {
  decoder.truncate(0);
  return model::allLogits(decoder.run(tokens, Capture::none(), model::LogitsRequest::all()));
}

std::vector<int> someTokens(int count, int vocabSize) {
  std::vector<int> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back((i * 37 + 11) % vocabSize);
  return tokens;
}

}  // namespace

class TestVulkanDecoder : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  static void checkError(std::span<const float> actual, std::span<const float> expected, double limit,
                         const char* what) {
    const double error = relativeError(actual, expected);
    QVERIFY2(error <= limit,
             qPrintable(QString("%1: relative error %2, limit %3").arg(what).arg(error).arg(limit)));
  }

  static void expectError(const std::function<void()>& work, const QStringList& fragments) {
    try {
      work();
    } catch (const model::Error& error) {
      for (const QString& fragment : fragments) {
        QVERIFY2(QString(error.what()).contains(fragment), error.what());
      }
      return;
    }
    QFAIL("no error was thrown");
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  void fixtures_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<double>("givenLimit");
    const auto row = [](const char* tag, const char* name, double limit) {
      if (!leavesOutFixture(name)) QTest::newRow(tag) << QString(name) << limit;
    };
    row("MHA f32", "llama-mha-8x8-f32", kF32LogitsLimit);
    row("GQA f32", "llama-gqa2-8x8-f32", kF32LogitsLimit);
    row("MQA f32", "llama-mqa-8x8-f32", kF32LogitsLimit);
    row("MQA f16", "llama-mqa-4x32-f16", kF16LogitsLimit);
    row("GQA q8_0", "llama-gqa2-8x32-q8_0", kQ8LogitsLimit);
    row("GQA, biases (Qwen 2)", "qwen2-gqa2-4x16-f32", kF32LogitsLimit);
    row("MQA, GELU (Gemma)", "gemma-mqa-4x32-f32", kF32LogitsLimit);
    row("MHA, learned positions (GPT-2)", "gpt2-mha-4x16-f32", kF32LogitsLimit);
    row("MQA, learned positions (StarCoder)", "starcoder-mqa-4x16-f32", kF32LogitsLimit);
    row("MQA, parallel block (Falcon)", "falcon-mqa-4x16-f32", kF32LogitsLimit);
  }

  /// The given answers, and 200 tokens against the reference on the same weights: both caches, both attention
  /// kernels, prefill and token by token.
  void fixtures() {
    QFETCH(QString, name);
    QFETCH(double, givenLimit);
    const std::string path = fixturePath("checkpoints/" + name.toStdString() + ".gguf");
    const std::string stem = path.substr(0, path.size() - 5);
    const model::Model model = formats::loadGguf(path);
    {
      const std::vector<int> tokens = readIds(readText(stem + ".tokens.txt"));
      const formats::NpyArray given = formats::readNpy(stem + ".logits.npy");
      const std::vector<float> expected(given.values.begin(), given.values.end());
      UploadedDecoder decoder(m_gpu.device, model, {});
      const bool looksUp = model.config.traits.activation == model::Activation::GeluTable;
      const double limit = looksUp ? std::max(givenLimit, kGeluTableLimit) : givenLimit;
      checkError(stepwise(decoder, tokens), expected, limit, "given answers, token by token");
      checkError(prefilled(decoder, tokens), expected, limit, "given answers, prefill");
    }
    const std::vector<int> tokens =
        someTokens(std::min(200, model.config.contextLength), model.config.vocabSize);
    for (KvType kvType : {KvType::F32, KvType::F16}) {
      reference::ReferenceDecoder truth(model, {.kvType = kvType});
      const std::vector<float> expected = prefilled(truth, tokens);
      double limit = kvType == KvType::F32 ? kReferenceF32CacheLimit : kReferenceF16CacheLimit;
      if (model.config.traits.activation == model::Activation::GeluTable)
        limit = std::max(limit, kGeluTableLimit);
      for (model::AttentionKernel kernel : {model::AttentionKernel::Shared, model::AttentionKernel::Naive}) {
        UploadedDecoder decoder(m_gpu.device, model, {.kvType = kvType, .attention = kernel});
        checkError(stepwise(decoder, tokens), expected, limit, "token by token");
        checkError(prefilled(decoder, tokens), expected, limit, "prefill");
      }
    }
  }

  void halvesPairingAgrees() {
    model::ModelConfig config = smallConfig({4, 2, 16});
    config.traits.ropePairing = model::RopePairing::Halves;
    config.ropeDim = 12;  // a part of the head only
    const model::Model model = randomModel(config, Output::Tied);
    const std::vector<int> tokens = someTokens(50, model.config.vocabSize);
    UploadedDecoder decoder(m_gpu.device, model, {});
    reference::ReferenceDecoder truth(model, {});
    checkError(stepwise(decoder, tokens), prefilled(truth, tokens), kReferenceF32CacheLimit, "halves");
  }

  void halfWeightsOnTheDevice() {
    const model::Model model = formats::loadGguf(fixturePath("checkpoints/llama-mqa-4x32-f16.gguf"));
    const std::vector<int> tokens = someTokens(40, model.config.vocabSize);
    UploadedDecoder decoder(m_gpu.device, model, {});
    UploadedDecoder widened(m_gpu.device, model, {}, {.storage = engine::DeviceStorage::F32});
    reference::ReferenceDecoder truth(model, {});
    checkError(stepwise(decoder, tokens), prefilled(truth, tokens), kReferenceF32CacheLimit, "f16 weights");
    const int token = 1;
    decoder.truncate(0);
    widened.truncate(0);
    const auto half = decoder.run(std::span(&token, 1), Capture::none())[0].logical().weightsRead;
    const auto full = widened.run(std::span(&token, 1), Capture::none())[0].logical().weightsRead;
    QVERIFY2(half * 1.9 < full && half * 2 >= full - 40000,
             "f16 weights are half the bytes but for the norms");
  }

  void attentionRowsEqualTheReference_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("MHA") << 6;
    QTest::newRow("GQA") << 2;
    QTest::newRow("MQA") << 1;
  }
  void attentionRowsEqualTheReference() {
    QFETCH(int, kvHeads);
    const model::Model model = randomModel(smallConfig({6, kvHeads, 16}), Output::Tied);
    UploadedDecoder decoder(m_gpu.device, model, {});
    reference::ReferenceDecoder truth(model, {});
    const std::vector<int> tokens = someTokens(70, model.config.vocabSize);
    const auto prompt = std::span(tokens).first(61);
    std::vector<model::StepRecord> actual = decoder.run(prompt, Capture::everything());
    std::vector<model::StepRecord> expected = truth.run(prompt, Capture::everything());
    for (const int token : std::span(tokens).subspan(61)) {
      actual.push_back(decoder.run(std::span(&token, 1), Capture::everything())[0]);
      expected.push_back(truth.run(std::span(&token, 1), Capture::everything())[0]);
    }
    const auto rowAt = [](const std::vector<model::StepRecord>& records, int layer, int head, int position) {
      for (const model::StepRecord& record : records) {
        const int row = position - record.attention.firstPosition;
        if (row >= 0 && row < record.attention.rowCount) return record.attention.row(layer, head, row);
      }
      return std::span<const float>();
    };
    for (int layer = 0; layer < 2; ++layer) {
      for (int head = 0; head < 6; ++head) {
        for (int position = 0; position < 70; ++position) {
          const std::span<const float> row = rowAt(actual, layer, head, position);
          QCOMPARE(std::ssize(row), position + 1);
          double sum = 0.0;
          for (float value : row) sum += value;
          QVERIFY(std::abs(sum - 1.0) <= kRowSumLimit);
          checkError(row, rowAt(expected, layer, head, position), kReferenceF32CacheLimit, "attention row");
        }
      }
    }
  }

  void capturesOnlyTheChosenLayer() {
    const model::Model model = randomModel(smallConfig({4, 1, 16}), Output::Tied);
    UploadedDecoder decoder(m_gpu.device, model, {});
    const std::vector<int> tokens = someTokens(5, model.config.vocabSize);
    const model::StepRecord record =
        decoder.run(tokens, Capture{.all = false, .layers = {1}, .queryHeads = {}})[0];
    QCOMPARE(record.attention.layers, std::vector<int>{1});
    // The rows, and of each the maximum and sum of its chunks.
    const auto chunks = static_cast<unsigned>(decoder.shape().chunkCount);
    QCOMPARE(record.issued().captureWritten, 4u * (1 + 2 + 3 + 4 + 5 + 5 * 2 * chunks) * sizeof(float));
    const int token = 3;
    const model::StepRecord without = decoder.run(std::span(&token, 1), Capture::none())[0];
    QVERIFY(without.attention.layers.empty());
    QCOMPARE(without.issued().captureWritten, 0u);
  }

  void capturesOnlyTheChosenHeads() {
    const model::Model model = randomModel(smallConfig({6, 2, 16}), Output::Tied);
    const std::vector<int> tokens = someTokens(9, model.config.vocabSize);
    UploadedDecoder decoder(m_gpu.device, model, {});
    reference::ReferenceDecoder truth(model, {});
    const Capture some{.all = true, .layers = {}, .queryHeads = {1, 4}};
    const model::StepRecord record = decoder.run(tokens, some)[0];
    const model::StepRecord expected = truth.run(tokens, some)[0];
    decoder.truncate(0);
    const model::StepRecord whole = decoder.run(tokens, Capture::everything())[0];
    QCOMPARE(record.attention.queryHeads, (std::vector<int>{1, 4}));
    QCOMPARE(record.attention.values.size() * 3, whole.attention.values.size());
    QCOMPARE(record.issued().captureWritten * 3, whole.issued().captureWritten);
    for (int layer = 0; layer < 2; ++layer) {
      for (int head = 0; head < 2; ++head) {
        const auto row = record.attention.row(layer, head, 8);
        checkError(row, whole.attention.row(layer, some.queryHeads[static_cast<std::size_t>(head)], 8), 1e-7,
                   "of all");
        checkError(row, expected.attention.row(layer, head, 8), kReferenceF32CacheLimit, "of the reference");
      }
    }
  }

  void cacheBytesFollowTheFormula_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<bool>("f16");
    QTest::addColumn<int>("batch");
    QTest::newRow("MHA f32") << 8 << false << 1;
    QTest::newRow("GQA f16") << 2 << true << 1;
    QTest::newRow("MQA f32 batch 3") << 1 << false << 3;
  }
  void cacheBytesFollowTheFormula() {
    QFETCH(int, kvHeads);
    QFETCH(bool, f16);
    QFETCH(int, batch);
    const model::Model model = randomModel(smallConfig({8, kvHeads, 16}), Output::Tied);
    UploadedDecoder decoder(m_gpu.device, model, {.kvType = f16 ? KvType::F16 : KvType::F32, .batch = batch});
    // 2 (K and V) x layers x kv_heads x positions x head_dim x bytes x sequences, spelled out.
    const std::uint64_t formula =
        2ull * 2 * static_cast<unsigned>(kvHeads) * 128 * 16 * (f16 ? 2 : 4) * static_cast<unsigned>(batch);
    const std::uint64_t alignment = 2ull * 2 * engine::kOffsetAlignment;
    QVERIFY(decoder.cacheBytesAllocated() >= formula);
    QVERIFY(decoder.cacheBytesAllocated() <= formula + alignment);
    const std::vector<int> tokens = someTokens(32, model.config.vocabSize);
    const model::StepRecord record = decoder.run(tokens, Capture::none()).back();
    QCOMPARE(record.cacheBytesUsed, formula / 128 * 32);
    QCOMPARE(record.cacheBytesAllocated, decoder.cacheBytesAllocated());
  }

  /// Issued KV bytes fall by the head ratio with the shared kernel, and not at all with the naive one.
  void kvTrafficFollowsTheHeads() {
    const auto kvRead = [&](int kvHeads, model::AttentionKernel kernel, int position) {
      const model::Model model = randomModel(smallConfig({8, kvHeads, 32}), Output::Tied);
      UploadedDecoder decoder(m_gpu.device, model, {.attention = kernel});
      decoder.run(someTokens(position, model.config.vocabSize), Capture::none());
      const int token = 5;
      const model::StepRecord record = decoder.run(std::span(&token, 1), Capture::none())[0];
      return std::pair(record.issued().kvRead, record.logical().kvRead);
    };
    for (int position : {1, 15, 100, 127}) {
      const auto [mhaIssued, mhaLogical] = kvRead(8, model::AttentionKernel::Shared, position);
      const auto [gqaIssued, gqaLogical] = kvRead(2, model::AttentionKernel::Shared, position);
      const auto [mqaIssued, mqaLogical] = kvRead(1, model::AttentionKernel::Shared, position);
      const auto [naiveIssued, naiveLogical] = kvRead(1, model::AttentionKernel::Naive, position);
      QCOMPARE(mhaIssued, 8 * mqaIssued);
      QCOMPARE(gqaIssued, 2 * mqaIssued);
      QCOMPARE(mhaLogical, 8 * mqaLogical);
      QCOMPARE(gqaLogical, 2 * mqaLogical);
      QCOMPARE(mqaIssued, mqaLogical);
      QCOMPARE(mhaIssued, mhaLogical);
      QCOMPARE(naiveIssued, mhaIssued);
      QCOMPARE(naiveLogical, mqaLogical);
      QCOMPARE(mqaLogical, 2ull * 2 * static_cast<unsigned>(position + 1) * 32 * 4);
    }
  }

  void everySequenceOfABatchDecodesAlike() {
    const model::Model model = randomModel(smallConfig({6, 2, 16}), Output::Separate);
    UploadedDecoder one(m_gpu.device, model, {});
    UploadedDecoder three(m_gpu.device, model, {.batch = 3});
    const std::vector<int> tokens = someTokens(70, model.config.vocabSize);
    one.run(std::span(tokens).first(69), Capture::none());
    three.run(std::span(tokens).first(69), Capture::none());
    const model::StepRecord single = one.run(std::span(tokens).last(1), Capture::none())[0];
    const model::StepRecord batched = three.run(std::span(tokens).last(1), Capture::none())[0];
    reference::ReferenceDecoder truth(model, {});
    truth.run(tokens, Capture::none());
    checkError(one.logits(), truth.logits(), kReferenceF32CacheLimit, "alone");
    checkError(three.logits(), truth.logits(), kReferenceF32CacheLimit, "sequence 0 of three");
    QCOMPARE(batched.logical().kvRead, 3 * single.logical().kvRead);
    QCOMPARE(batched.cacheBytesUsed, 3 * single.cacheBytesUsed);
    QVERIFY2(batched.issued().weightsRead < 2 * single.issued().weightsRead,
             "the batch shares the weight reads");
  }

  void replayIsWhatWasCaptured_data() {
    QTest::addColumn<model::KernelFamily>("family");
    for (model::KernelFamily family : kFamilies) {
      QTest::addRow("%s", std::string(shortName(family)).c_str()) << family;
    }
  }
  void replayIsWhatWasCaptured() {
    QFETCH(model::KernelFamily, family);
    model::ModelConfig config = smallConfig({6, 2, 16});
    config.contextLength = 400;
    const model::Model model = randomModel(config, Output::Tied);
    UploadedDecoder decoder(m_gpu.device, model, {.kernels = {.family = family}});
    reference::ReferenceDecoder truth(model, {});
    const std::vector<int> tokens = someTokens(300, model.config.vocabSize);
    decoder.run(tokens, Capture::none());
    truth.run(tokens, Capture::none());
    const std::vector<float> logits(decoder.logits().begin(), decoder.logits().end());
    const Capture wanted{.layers = {1}, .queryHeads = {1, 4}};
    const auto window = std::span(tokens).subspan(100, 150);
    const std::vector<model::AttentionRows> replayed = decoder.replay(100, window, wanted);
    const std::vector<model::AttentionRows> expected = truth.replay(100, window, wanted);
    QCOMPARE(decoder.position(), 300);
    QVERIFY(std::ranges::equal(decoder.logits(), logits));
    int seen = 0;
    for (const model::AttentionRows& block : replayed) {
      for (int row = 0; row < block.rowCount; ++row, ++seen) {
        const int position = block.firstPosition + row;
        QCOMPARE(position, 100 + seen);
        const auto other = std::ranges::find_if(expected, [&](const model::AttentionRows& rows) {
          return position >= rows.firstPosition && position < rows.firstPosition + rows.rowCount;
        });
        for (int head = 0; head < 2; ++head) {
          const std::span<const float> truthRow = other->row(0, head, position - other->firstPosition);
          checkError(block.row(0, head, row), truthRow, kReferenceF32CacheLimit, "replayed row");
        }
      }
    }
    QCOMPARE(seen, 150);
    // And the text goes on as if nothing had been.
    const int next = 7;
    decoder.run(std::span(&next, 1), Capture::none());
    truth.run(std::span(&next, 1), Capture::none());
    checkError(decoder.logits(), truth.logits(), kReferenceF32CacheLimit, "logits after a replay");
    expectError([&] { decoder.replay(200, tokens, wanted); }, {"200", "301 are in the cache"});
  }

  void truncateGoesBack() {
    const model::Model model = randomModel(smallConfig({4, 1, 16}), Output::Tied);
    UploadedDecoder decoder(m_gpu.device, model, {});
    const std::vector<int> tokens = someTokens(40, model.config.vocabSize);
    reference::ReferenceDecoder truth(model, {});
    const std::vector<float> expected = prefilled(truth, tokens);
    // Other tokens first, which must leave nothing behind.
    decoder.run(std::span(tokens).first(10), Capture::none());
    decoder.run(std::vector<int>(30, 200), Capture::everything());
    decoder.truncate(10);
    QCOMPARE(decoder.position(), 10);
    const std::vector<float> again = stepwise(decoder, std::span(tokens).subspan(10));
    checkError(again, std::span(expected).last(again.size()), kReferenceF32CacheLimit, "after going back");
  }

  void fullContextIsOneSentence() {
    const model::Model model = randomModel(smallConfig({4, 4, 16}), Output::Tied);
    UploadedDecoder decoder(m_gpu.device, model, {.contextLength = 20});
    const std::vector<int> tokens = someTokens(21, model.config.vocabSize);
    expectError([&] { decoder.run(tokens, Capture::none()); }, {"context is full", "20", "21"});
    QCOMPARE(decoder.position(), 0);
    decoder.run(std::span(tokens).first(20), Capture::none());
    const int token = 1;
    expectError([&] { decoder.run(std::span(&token, 1), Capture::none()); }, {"20 positions", "20 are used"});
    QCOMPARE(decoder.position(), 20);
    expectError([&] { decoder.run({}, Capture::none()); }, {"empty"});
    decoder.truncate(5);
    const int outside = 100000;
    expectError([&] { decoder.run(std::span(&outside, 1), Capture::none()); }, {"100000", "vocabulary"});
  }

  /// Fails where a decoder builds what the device has already, or shares what is not the same.
  void kernelsAreBuiltOnce() {
    vulkan::Device device(m_gpu.instance, m_gpu.device.info());
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    const std::vector<int> tokens = someTokens(6, model.config.vocabSize);
    const auto kernelsAfter = [&](const model::DecoderOptions& options) {
      UploadedDecoder decoder(device, model, options);
      decoder.run(std::span(tokens).first(1), Capture::none());
      const std::size_t ofOneToken = device.kernels().size();
      decoder.run(std::span(tokens).subspan(1), Capture::none());
      return std::pair(ofOneToken, device.kernels().size());
    };
    // Seven stages; several tokens at once share embedding and attention with one.
    const std::size_t packed = 7;
    QCOMPARE(kernelsAfter({.kernels = {.family = model::KernelFamily::Packed}}),
             std::pair(packed, packed + 5));
    QCOMPARE(kernelsAfter({.kernels = {.family = model::KernelFamily::Packed}}),
             std::pair(packed + 5, packed + 5));
    // Another cache type is another projection (with each tile) and another attention.
    QCOMPARE(kernelsAfter({.kvType = KvType::F16, .kernels = {.family = model::KernelFamily::Packed}}),
             std::pair(packed + 7, packed + 8));
  }

  /// Every decoder says the same of no tokens, and nothing changes.
  void runningNothingIsOneSentence() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    const std::vector<float> attention(16, 0.5f);
    model::Trace trace{.tokens = {1, 2}};
    trace.config = smallConfig({4, 2, 16});
    trace.config.layerCount = 1;
    trace.config.vocabSize = 3;
    trace.attention.push_back({model::Storage::F32, 8, 2, std::as_bytes(std::span(attention))});
    UploadedDecoder vulkanDecoder(m_gpu.device, model, {});
    reference::ReferenceDecoder referenceDecoder(model, {});
    model::TraceDecoder traceDecoder(std::move(trace));
    for (model::Decoder* decoder :
         std::initializer_list<model::Decoder*>{&vulkanDecoder, &referenceDecoder, &traceDecoder}) {
      const int token = 1;
      decoder->run(std::span(&token, 1), Capture::none());
      expectError([&] { decoder->run({}, Capture::none()); }, {"no token to run", "expected at least one"});
      QCOMPARE(decoder->position(), 1);
    }
  }

  void modelsWithoutKernelsAreRefused() {
    expectError(
        [&] {
          UploadedDecoder(m_gpu.device, randomModel(smallConfig({4, 4, 10}), Output::Tied), {});
        },
        {"head_dim is 10", "multiples of 4"});
    expectError(
        [&] {
          UploadedDecoder(m_gpu.device, randomModel(smallConfig({4, 4, 16}), Output::Tied), {.batch = 65});
        },
        {"65", "1 to 64"});
  }

  void aCacheTooLargeIsRefused() {
    const model::Model model = randomModel(smallConfig({8, 8, 64}), Output::Tied);
    // Two layers of 8 heads of 64, keys and values, 4 bytes each: 8,192 bytes for a position.
    const auto tooMany = static_cast<int>(m_gpu.device.info().memoryBytes / 8192 + 1);
    expectError([&] { UploadedDecoder(m_gpu.device, model, {.contextLength = tooMany}); }, {"bytes"});
  }

  void tooLittleSharedMemoryIsNamed() {
    const model::Model model = randomModel(smallConfig({8, 8, 64}), Output::Tied);
    vulkan::DeviceInfo info = m_gpu.device.info();
    info.limits.maxComputeSharedMemorySize = 16384;  // the least that Vulkan allows
    vulkan::Device small(m_gpu.instance, info);
    const model::KernelPlan rows{.family = model::KernelFamily::Rows};
    expectError([&] { UploadedDecoder(small, model, {.kernels = rows}); },
                {"share 16384 bytes", "needs 24576", "choose \"packed\""});
  }

  /// Fails where a cache that a device cannot address is called a matrix, or found out by allocating it.
  void aCacheOfTooManyTexelsIsNamed() {
    const model::Model model = randomModel(smallConfig({8, 8, 64}), Output::Tied);
    vulkan::DeviceInfo info = m_gpu.device.info();
    info.limits.maxTexelBufferElements = 65536;  // the least that Vulkan allows
    vulkan::Device small(m_gpu.instance, info);
    // 8 heads x 1,000 positions x 64 of head_dim / 4 to a texel.
    const model::KernelPlan packed{.family = model::KernelFamily::Packed};
    expectError([&] { UploadedDecoder(small, model, {.contextLength = 1000, .kernels = packed}); },
                {"keys of one layer in the KV cache", "1000 positions", "128000 texels", "at most 65536"});
    const vulkan::Buffer buffer(small, 65537 * 16, vulkan::MemoryPlace::Device, "a KV cache of 9 positions");
    try {
      vulkan::TexelView(small, buffer, VK_FORMAT_R32G32B32A32_SFLOAT, 0, buffer.bytes());
      QFAIL("no error was thrown");
    } catch (const vulkan::Error& error) {
      QVERIFY2(QString(error.what()).contains("65537 of a KV cache of 9 positions"), error.what());
    }
    QVERIFY_THROWS_EXCEPTION(vulkan::Error,
                             vulkan::TexelView(small, buffer, VK_FORMAT_R8_UNORM, 0, buffer.bytes()));
  }
};

QTEST_GUILESS_MAIN(TestVulkanDecoder)
#include "tst_vulkan_decoder.moc"
