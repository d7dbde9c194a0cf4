#include <cmath>
#include <numbers>

#include <QTest>

#include "tests/engine/kernel_harness.h"
#include "tests/support/fixtures.h"
#include "tests/support/small_tests.h"

using namespace headroom;
using namespace headroom::tests;
using engine::TokenTile;
using model::KernelFamily;
using model::Stage;

/// The projection kernels, each alone, against sums in double over attention kinds, head sizes, widths that
/// do and do not fill a workgroup, cache types, and one or several tokens.
class TestProjectionKernels : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  struct Case {
    model::Model model;
    engine::StepShape shape;
    std::vector<engine::TokenParams> rows;
    TokenTile tile;
    std::vector<float> stream;  // [row][modelDim], without padding
  };

  static void addRows() {
    QTest::addColumn<int>("queryHeads");
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("headDim");
    QTest::addColumn<int>("modelDim");
    QTest::addColumn<int>("ffnDim");
    QTest::addColumn<int>("tokens");
    QTest::addColumn<bool>("f16Cache");
    QTest::addColumn<KernelFamily>("family");
    QTest::addColumn<model::Storage>("storage");
    for (const Row& row : {
             Row{8, 8, 8, 64, 96, 1, false},
             Row{8, 8, 8, 64, 96, 5, true},
             Row{8, 2, 32, 256, 384, 1, false},
             Row{8, 2, 32, 256, 384, 4, true},
             Row{8, 1, 32, 256, 536, 1, true},
             Row{8, 1, 32, 256, 536, 63, false},
             Row{4, 1, 12, 48, 100, 1, false},
             Row{4, 1, 12, 48, 100, 7, true},
             Row{6, 2, 20, 72, 33, 1, false},
             Row{6, 2, 20, 72, 33, 3, false},
             Row{3, 3, 64, 100, 7, 1, true},
             Row{7, 1, 64, 36, 130, 2, false},
             Row{2, 2, 128, 256, 64, 1, false},
             Row{5, 1, 128, 160, 64, 9, true},
             Row{2, 1, 256, 512, 96, 1, true},
             Row{3, 3, 256, 96, 1100, 6, false},
             Row{1, 1, 8, 8, 8, 1, false},
             Row{71, 1, 8, 40, 24, 2, true},
             // Tiles of tokens and rows in part and more than one.
             Row{3, 1, 32, 96, 160, 64, false},
             Row{4, 4, 20, 72, 136, 33, true},
         }) {
      for (KernelFamily family : kFamilies) {
        for (model::Storage storage : {model::Storage::F32, model::Storage::F16, model::Storage::Q8_0}) {
          const bool wholeBlocks =
              row.modelDim % 32 == 0 && row.ffnDim % 32 == 0 && row.queryHeads * row.headDim % 32 == 0;
          if (storage == model::Storage::Q8_0 && !wholeBlocks) continue;
          if (leavesOutProjection(row.tokens, row.modelDim, row.ffnDim, storage == model::Storage::F16))
            continue;
          // How weights are stored and how the cache is are independent: half of the pairs will do.
          if (storage == model::Storage::F16 && row.f16Cache) continue;
          addCase(row, family, storage);
        }
      }
    }
    // Kept as stored in the rows family only. A subgroup's turns end within a row, at its end and beyond it:
    // of 8 lanes 2 and 3 superblocks are two and three turns, 32 elements a quarter of one.
    for (model::Storage storage : {model::Storage::BF16, model::Storage::Q4_0, model::Storage::Q4_K,
                                   model::Storage::Q5_K, model::Storage::Q6_K}) {
      const bool superblocks = model::blockElements(storage) == 256;
      for (int tokens : {1, 5, 33}) {
        if (tokens > 5 && !superblocks) continue;
        addCase(superblocks ? Row{4, 2, 64, 256, 768, tokens, false} : Row{4, 2, 16, 96, 352, tokens, false},
                KernelFamily::Rows, storage);
      }
    }
    addCase({5, 1, 12, 36, 50, 3, false}, KernelFamily::Rows, model::Storage::BF16);
    // Rows so long that the subgroups of a workgroup share them, and an input of more than one tile.
    for (model::Storage storage : {model::Storage::F32, model::Storage::F16})
      addCase({2, 2, 8, 16, 8224, 1, false}, KernelFamily::Rows, storage);
    addCase({2, 2, 8, 4128, 32, 1, false}, KernelFamily::Rows, model::Storage::F16);
  }

  struct Row {
    int queryHeads, kvHeads, headDim, modelDim, ffnDim, tokens;
    bool f16Cache;
  };

  static void addCase(const Row& row, KernelFamily family, model::Storage storage) {
    const model::AttentionShape heads{row.queryHeads, row.kvHeads, row.headDim};
    QTest::addRow("%s %d/%dx%d d%d f%d %d tokens %s cache, %s %s",
                  std::string(shortName(heads.kind())).c_str(), row.queryHeads, row.kvHeads, row.headDim,
                  row.modelDim, row.ffnDim, row.tokens, row.f16Cache ? "f16" : "f32",
                  std::string(shortName(storage)).c_str(), std::string(shortName(family)).c_str())
        << row.queryHeads << row.kvHeads << row.headDim << row.modelDim << row.ffnDim << row.tokens
        << row.f16Cache << family << storage;
  }

  Case makeCase() {
    QFETCH(int, queryHeads);
    QFETCH(int, kvHeads);
    QFETCH(int, headDim);
    QFETCH(int, modelDim);
    QFETCH(int, ffnDim);
    QFETCH(int, tokens);
    QFETCH(bool, f16Cache);
    QFETCH(KernelFamily, family);
    QFETCH(model::Storage, storage);
    model::ModelConfig config = smallConfig({queryHeads, kvHeads, headDim});
    config.layerCount = 1;
    config.modelDim = modelDim;
    config.ffnDim = ffnDim;
    config.contextLength = 301;
    Case result{.model = randomModel(config, Output::Separate, 1, storage),
                .shape = {},
                .rows = {},
                .tile = {},
                .stream = {}};
    result.shape = engine::StepShape::make(
        m_gpu.device.info(), result.model.config,
        {.kvType = f16Cache ? model::KvType::F16 : model::KvType::F32, .kernels = {.family = family}});
    result.tile = result.shape.tileOf(tokens);
    for (int token = 0; token < tokens; ++token) {
      const auto id = static_cast<std::uint32_t>((token * 91 + 13) % result.model.config.vocabSize);
      result.rows.push_back({.token = id, .position = static_cast<std::uint32_t>(237 + token)});
    }
    result.stream = randomFloats(static_cast<std::size_t>(tokens * modelDim), 5, 2.0f);
    return result;
  }

  /// Uploads [row][width] into a buffer whose rows are padded with zeros to `stride` floats.
  static void writePadded(KernelHarness& harness, const vulkan::Buffer& buffer,
                          const std::vector<float>& values, std::size_t width, std::size_t stride) {
    std::vector<float> padded(values.size() / width * stride);
    for (std::size_t i = 0; i < values.size(); ++i) padded[i / width * stride + i % width] = values[i];
    harness.write(buffer, padded);
  }

  static std::vector<float> readPadded(KernelHarness& harness, const vulkan::Buffer& buffer, std::size_t rows,
                                       std::size_t width, std::size_t stride) {
    const std::vector<float> padded = harness.read(buffer, rows * stride);
    std::vector<float> values;
    for (std::size_t row = 0; row < rows; ++row) {
      values.insert(values.end(), padded.begin() + static_cast<std::ptrdiff_t>(row * stride),
                    padded.begin() + static_cast<std::ptrdiff_t>(row * stride + width));
    }
    return values;
  }

  static void compare(const std::vector<float>& actual, const std::vector<double>& expected, double limit) {
    const double error = relativeError(std::span<const float>(actual), std::span<const double>(expected));
    QVERIFY2(error <= limit, qPrintable(QString("relative error %1, limit %2").arg(error).arg(limit)));
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  void embedding_data() { addRows(); }
  void embedding() {
    Case c = makeCase();
    KernelHarness harness(m_gpu.device, c.model, c.shape, c.tile, Stage::Embedding);
    QCOMPARE(harness.weights.tokenEmbedding.storage(), c.model.weights.tokenEmbedding.storage);
    QCOMPARE(harness.weights.layers[0].ffnDown.matrix.storage(), c.model.weights.layers[0].ffnDown.storage);
    harness.run(c.rows);
    const auto width = static_cast<std::size_t>(c.shape.config.modelDim);
    const std::vector<float> actual =
        readPadded(harness, harness.buffers.stream, c.rows.size(), width, c.shape.streamColumns());
    std::vector<float> expected(width);
    for (std::size_t row = 0; row < c.rows.size(); ++row) {
      c.model.weights.tokenEmbedding.readRow(c.rows[row].token, expected);
      QVERIFY(std::ranges::equal(rowOf(actual, row, width), expected));
    }
  }

  void qkvProjection_data() { addRows(); }
  void qkvProjection() {
    Case c = makeCase();
    const model::ModelConfig& config = c.shape.config;
    const model::LayerWeights& layer = c.model.weights.layers[0];
    const auto headDim = static_cast<std::size_t>(config.attention.headDim);
    KernelHarness harness(m_gpu.device, c.model, c.shape, c.tile, Stage::QkvProjection);
    writePadded(harness, harness.buffers.stream, c.stream, static_cast<std::size_t>(config.modelDim),
                c.shape.streamColumns());
    harness.run(c.rows);

    const auto queryDim = static_cast<std::size_t>(config.attention.queryDim());
    const auto cacheSize = static_cast<std::size_t>(config.attention.kvDim() * c.shape.options.contextLength);
    const std::vector<float> query = harness.read(harness.buffers.query, c.rows.size() * queryDim);
    const std::vector<float> keys = harness.readCache(harness.cache.keyOffset(0), cacheSize);
    const std::vector<float> values = harness.readCache(harness.cache.valueOffset(0), cacheSize);
    const auto rotate = [&](std::vector<double> heads, std::uint32_t position) {
      for (std::size_t i = 0; i < heads.size(); i += 2) {
        const double angle = position * std::pow(static_cast<double>(config.ropeBase),
                                                 -static_cast<double>(i % headDim) / headDim);
        const double first = heads[i];
        heads[i] = first * std::cos(angle) - heads[i + 1] * std::sin(angle);
        heads[i + 1] = first * std::sin(angle) + heads[i + 1] * std::cos(angle);
      }
      return heads;
    };
    std::vector<double> expectedQuery;
    std::vector<double> expectedKeys;
    std::vector<double> expectedValues;
    std::vector<float> writtenKeys;
    std::vector<float> writtenValues;
    for (std::size_t row = 0; row < c.rows.size(); ++row) {
      const std::uint32_t position = c.rows[row].position;
      const std::vector<double> input =
          normalise(rowOf(c.stream, row, static_cast<std::size_t>(config.modelDim)), layer.attentionNorm,
                    config.normEpsilon);
      const std::vector<double> q = rotate(multiply(layer.query, input), position);
      const std::vector<double> k = rotate(multiply(layer.key, input), position);
      const std::vector<double> v = multiply(layer.value, input);
      expectedQuery.insert(expectedQuery.end(), q.begin(), q.end());
      expectedKeys.insert(expectedKeys.end(), k.begin(), k.end());
      expectedValues.insert(expectedValues.end(), v.begin(), v.end());
      for (std::size_t i = 0; i < k.size(); ++i) {
        const std::size_t index =
            (i / headDim * static_cast<std::size_t>(c.shape.options.contextLength) + position) * headDim +
            i % headDim;
        writtenKeys.push_back(keys[index]);
        writtenValues.push_back(values[index]);
      }
    }
    const double cacheLimit = c.shape.options.kvType == model::KvType::F32 ? kKernelLimit : kHalfLimit;
    compare(query, expectedQuery, kKernelLimit);
    compare(writtenKeys, expectedKeys, cacheLimit);
    compare(writtenValues, expectedValues, cacheLimit);
    // Nothing else in the cache was touched.
    const auto nonZero =
        static_cast<std::size_t>(std::ranges::count_if(keys, [](float key) { return key != 0.0f; }));
    QVERIFY2(nonZero <= expectedKeys.size(), "the kernel wrote keys at other positions");
  }

  void ffnGateUp_data() { addRows(); }
  void ffnGateUp() {
    Case c = makeCase();
    const model::ModelConfig& config = c.shape.config;
    const model::LayerWeights& layer = c.model.weights.layers[0];
    KernelHarness harness(m_gpu.device, c.model, c.shape, c.tile, Stage::FfnGateUp);
    writePadded(harness, harness.buffers.stream, c.stream, static_cast<std::size_t>(config.modelDim),
                c.shape.streamColumns());
    harness.run(c.rows);
    std::vector<double> expected;
    for (std::size_t row = 0; row < c.rows.size(); ++row) {
      const std::vector<double> input = normalise(
          rowOf(c.stream, row, static_cast<std::size_t>(config.modelDim)), layer.ffnNorm, config.normEpsilon);
      const std::vector<double> gate = multiply(layer.ffnGate, input);
      const std::vector<double> up = multiply(layer.ffnUp, input);
      for (std::size_t i = 0; i < gate.size(); ++i)
        expected.push_back(gate[i] / (1.0 + std::exp(-gate[i])) * up[i]);
    }
    compare(readPadded(harness, harness.buffers.hidden, c.rows.size(),
                       static_cast<std::size_t>(config.ffnDim), c.shape.hiddenColumns()),
            expected, kKernelLimit);
  }

  void ffnDown_data() { addRows(); }
  void ffnDown() {
    Case c = makeCase();
    const model::ModelConfig& config = c.shape.config;
    const auto ffnDim = static_cast<std::size_t>(config.ffnDim);
    const auto modelDim = static_cast<std::size_t>(config.modelDim);
    const std::vector<float> hidden = randomFloats(c.rows.size() * ffnDim, 9);
    KernelHarness harness(m_gpu.device, c.model, c.shape, c.tile, Stage::FfnDown);
    writePadded(harness, harness.buffers.stream, c.stream, modelDim, c.shape.streamColumns());
    writePadded(harness, harness.buffers.hidden, hidden, ffnDim, c.shape.hiddenColumns());
    harness.run(c.rows);
    std::vector<double> expected;
    for (std::size_t row = 0; row < c.rows.size(); ++row) {
      const auto input = rowOf(hidden, row, ffnDim);
      const std::vector<double> down =
          multiply(c.model.weights.layers[0].ffnDown, std::vector<double>(input.begin(), input.end()));
      for (std::size_t i = 0; i < modelDim; ++i) expected.push_back(c.stream[row * modelDim + i] + down[i]);
    }
    compare(readPadded(harness, harness.buffers.stream, c.rows.size(), modelDim, c.shape.streamColumns()),
            expected, kKernelLimit);
  }

  void logits_data() { addRows(); }
  void logits() {
    Case c = makeCase();
    const model::ModelConfig& config = c.shape.config;
    const auto modelDim = static_cast<std::size_t>(config.modelDim);
    const std::size_t wanted = (c.rows.size() + 1) / 2;  // the later half
    KernelHarness harness(m_gpu.device, c.model, c.shape, c.tile, Stage::Logits);
    writePadded(harness, harness.buffers.stream, c.stream, modelDim, c.shape.streamColumns());
    harness.run(c.rows, static_cast<int>(wanted));
    std::vector<double> expected;
    for (std::size_t row = c.rows.size() - wanted; row < c.rows.size(); ++row) {
      const std::vector<double> input =
          normalise(rowOf(c.stream, row, modelDim), c.model.weights.outputNorm, config.normEpsilon);
      const std::vector<double> out = multiply(c.model.weights.output, input);
      expected.insert(expected.end(), out.begin(), out.end());
    }
    const auto mapped = harness.buffers.logits.mapped<const float>();
    compare({mapped.begin(), mapped.begin() + static_cast<std::ptrdiff_t>(expected.size())}, expected,
            kKernelLimit);
  }
};

QTEST_GUILESS_MAIN(TestProjectionKernels)
#include "tst_projection_kernels.moc"
