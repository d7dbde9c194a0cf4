#include <cmath>
#include <limits>

#include <QTest>

#include "tests/engine/kernel_harness.h"
#include "tests/support/fixtures.h"
#include "tests/support/small_tests.h"

using namespace headroom;
using namespace headroom::tests;
using engine::TokenTile;
using model::AttentionKernel;
using model::KernelFamily;
using model::Stage;

Q_DECLARE_METATYPE(headroom::model::AttentionShape)

/// attention_decode and attention_output of both families, each alone, against softmax attention in double.
class TestAttentionKernels : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  model::Model makeModel(int queryHeads, int kvHeads, int headDim, int context) {
    model::ModelConfig config = smallConfig({queryHeads, kvHeads, headDim});
    config.layerCount = 1;
    config.contextLength = context;
    return randomModel(config, Output::Tied);
  }

  static void compare(std::span<const float> actual, const std::vector<double>& expected, const char* what) {
    const double error = relativeError(actual, std::span<const double>(expected));
    QVERIFY2(error <= kKernelLimit, qPrintable(QString("%1: relative error %2").arg(what).arg(error)));
  }

  /// What a stage is given; keys and values as they lie in the cache.
  struct Inputs {
    std::vector<float> query;
    std::vector<float> keys;
    std::vector<float> values;
  };

  /// Compares what AttentionDecode left of `rows`, all of them captured, with softmax attention in double;
  /// where it merges, also what it merged.
  static void expectAttention(KernelHarness& harness, const std::vector<engine::TokenParams>& rows,
                              const Inputs& inputs) {
    const model::ModelConfig& config = harness.shape.config;
    const auto heads = static_cast<std::size_t>(config.attention.queryHeadCount);
    const auto kvHeads = static_cast<std::size_t>(config.attention.kvHeadCount);
    const auto dim = static_cast<std::size_t>(config.attention.headDim);
    const auto context = static_cast<std::size_t>(harness.shape.options.contextLength);
    const auto chunkCount = static_cast<std::size_t>(harness.shape.chunkCount);
    const auto window = static_cast<std::size_t>(config.windowOf(0));
    const double cap = static_cast<double>(config.attentionSoftCap);
    const std::size_t rowCount = rows.size();
    const std::vector<float> partial =
        harness.read(harness.buffers.partial, rowCount * chunkCount * heads * dim);
    const std::vector<float> extent = harness.read(harness.buffers.extent, rowCount * chunkCount * heads * 2);
    const std::vector<float> attended =
        harness.shape.mergesLast
            ? harness.read(harness.buffers.attended, rowCount * harness.shape.attendedColumns())
            : std::vector<float>();
    const auto mapped = harness.buffers.captured.mapped<const float>();
    const std::vector<float> captured(mapped.begin(), mapped.end());
    const auto capturedExtent = harness.buffers.capturedExtent.mapped<const float>();
    for (std::size_t row = 0; row < rowCount; ++row) {
      const std::size_t seen = rows[row].position + 1;
      const std::size_t first = window > 0 && seen > window ? seen - window : 0;
      for (std::size_t head = 0; head < heads; ++head) {
        const std::size_t kvBase = (rows[row].sequence * kvHeads + head / (heads / kvHeads)) * context;
        std::vector<double> scores(seen);
        double highest = -std::numeric_limits<double>::infinity();
        for (std::size_t key = first; key < seen; ++key) {
          for (std::size_t i = 0; i < dim; ++i) {
            scores[key] += static_cast<double>(inputs.query[(row * heads + head) * dim + i]) *
                           inputs.keys[(kvBase + key) * dim + i];
          }
          scores[key] /= std::sqrt(static_cast<double>(dim));
          if (cap > 0.0) scores[key] = cap * std::tanh(scores[key] / cap);
          highest = std::max(highest, scores[key]);
        }
        std::vector<double> expected(dim);
        double sum = 0.0;
        for (std::size_t key = first; key < seen; ++key) {
          const double weight = std::exp(scores[key] - highest);
          sum += weight;
          for (std::size_t i = 0; i < dim; ++i)
            expected[i] += weight * inputs.values[(kvBase + key) * dim + i];
        }
        for (double& value : expected) value /= sum;

        // Merge the chunks as the paper says.
        double mergedHighest = -std::numeric_limits<double>::infinity();
        for (std::size_t chunk = 0; chunk < chunkCount; ++chunk) {
          const std::size_t entry = (row * chunkCount + chunk) * heads + head;
          mergedHighest = std::max(mergedHighest, static_cast<double>(extent[2 * entry]));
        }
        double mergedSum = 0.0;
        std::vector<float> merged(dim);
        for (std::size_t chunk = 0; chunk < chunkCount; ++chunk) {
          const std::size_t entry = (row * chunkCount + chunk) * heads + head;
          const double weight = std::exp(extent[2 * entry] - mergedHighest);
          if (weight == 0.0) continue;  // a chunk without keys leaves nothing else
          mergedSum += weight * extent[2 * entry + 1];
          for (std::size_t i = 0; i < dim; ++i)
            merged[i] += static_cast<float>(weight * partial[entry * dim + i]);
        }
        for (float& value : merged) value = static_cast<float>(value / mergedSum);
        compare(merged, expected, "mixed values");
        if (harness.shape.mergesLast) {
          compare(std::span(attended).subspan(row * harness.shape.attendedColumns() + head * dim, dim),
                  expected, "values merged by the last workgroup");
        }
        const std::size_t slotRow = head * rowCount + row;
        compare(std::span(captured).subspan(slotRow * context + first, seen - first),
                {scores.begin() + static_cast<std::ptrdiff_t>(first), scores.end()}, "captured scores");
        for (std::size_t chunk = 0; chunk < chunkCount; ++chunk) {
          const std::size_t entry = (row * chunkCount + chunk) * heads + head;
          QCOMPARE(capturedExtent[2 * (slotRow * chunkCount + chunk)], extent[2 * entry]);
          QCOMPARE(capturedExtent[2 * (slotRow * chunkCount + chunk) + 1], extent[2 * entry + 1]);
        }
      }
    }
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  void attentionDecode_data() {
    QTest::addColumn<int>("queryHeads");
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("headDim");
    QTest::addColumn<int>("length");
    QTest::addColumn<int>("chunks");
    QTest::addColumn<bool>("f16Cache");
    QTest::addColumn<bool>("naive");
    QTest::addColumn<KernelFamily>("family");
    struct Row {
      int queryHeads, kvHeads, headDim, length, chunks;
      bool f16Cache, naive;
    };
    for (const Row& row : {
             // every head size, MHA, GQA and MQA, at odd lengths
             Row{4, 4, 8, 1, 1, false, false},
             Row{4, 4, 8, 9, 1, true, false},
             Row{8, 8, 8, 1001, 3, false, true},
             Row{4, 1, 8, 7, 1, false, false},
             Row{6, 2, 12, 65, 2, false, false},
             Row{3, 1, 20, 333, 2, true, true},
             Row{8, 8, 32, 63, 1, false, false},
             Row{8, 8, 32, 64, 4, true, false},
             Row{8, 2, 32, 511, 2, false, false},
             Row{8, 2, 32, 511, 2, true, true},
             Row{8, 1, 32, 257, 4, false, false},
             Row{8, 1, 32, 3001, 4, true, false},
             Row{8, 1, 32, 3001, 4, false, true},
             Row{2, 2, 36, 129, 1, false, false},
             Row{4, 4, 64, 511, 1, false, false},
             Row{6, 2, 64, 1023, 2, true, false},
             Row{7, 1, 64, 2047, 4, false, false},
             Row{71, 1, 64, 77, 2, false, false},
             Row{34, 2, 16, 300, 2, true, false},
             Row{16, 1, 32, 90, 1, false, false},
             Row{3, 3, 80, 200, 2, true, false},
             Row{4, 2, 96, 131, 1, false, true},
             Row{2, 2, 128, 1500, 2, false, false},
             Row{4, 1, 128, 4097, 8, true, false},
             Row{8, 1, 128, 33, 1, false, false},
             Row{2, 2, 256, 67, 1, false, false},
             Row{4, 2, 256, 259, 3, true, true},
             Row{8, 1, 256, 127, 2, false, false},
             // wide groups, f16: by cooperative matrices where there are any
             Row{71, 1, 64, 77, 2, true, false},
             Row{9, 1, 96, 130, 2, true, false},
             Row{32, 1, 128, 601, 4, true, false},
             Row{16, 2, 128, 40, 1, true, false},
             Row{16, 1, 256, 259, 3, true, false},
             // more chunks than keys need: the last ones are empty
             Row{8, 1, 32, 5, 8, false, false},
             Row{4, 4, 16, 100, 16, true, false},
         }) {
      if (leavesOutKeys(row.length)) continue;
      for (KernelFamily family : kFamilies) {
        const model::AttentionShape heads{row.queryHeads, row.kvHeads, row.headDim};
        QTest::addRow("%s %d/%dx%d length %d chunks %d %s %s %s",
                      std::string(shortName(heads.kind())).c_str(), row.queryHeads, row.kvHeads, row.headDim,
                      row.length, row.chunks, row.f16Cache ? "f16" : "f32", row.naive ? "naive" : "shared",
                      std::string(shortName(family)).c_str())
            << row.queryHeads << row.kvHeads << row.headDim << row.length << row.chunks << row.f16Cache
            << row.naive << family;
      }
    }
  }

  void attentionDecode() {
    QFETCH(int, queryHeads);
    QFETCH(int, kvHeads);
    QFETCH(int, headDim);
    QFETCH(int, length);
    QFETCH(int, chunks);
    QFETCH(bool, f16Cache);
    QFETCH(bool, naive);
    QFETCH(KernelFamily, family);
    const int context = length + 3;
    const model::Model model = makeModel(queryHeads, kvHeads, headDim, context);
    engine::StepShape shape =
        engine::StepShape::make(m_gpu.device.info(), model.config,
                                {.kvType = f16Cache ? model::KvType::F16 : model::KvType::F32,
                                 .attention = naive ? AttentionKernel::Naive : AttentionKernel::Shared,
                                 .kernels = {.family = family}});
    shape.chunkCount = chunks;
    shape.blockTokens = 2;
    shape.captureExtents = static_cast<std::uint64_t>(2 * chunks * queryHeads);
    KernelHarness harness(m_gpu.device, model, shape, TokenTile::Several, Stage::AttentionDecode);

    const auto cacheSize = static_cast<std::size_t>(kvHeads * headDim * context);
    const std::vector<float> keys =
        harness.writeCache(harness.cache.keyOffset(0), randomFloats(cacheSize, 1));
    const std::vector<float> values =
        harness.writeCache(harness.cache.valueOffset(0), randomFloats(cacheSize, 2));
    const std::vector<float> query =
        randomFloats(static_cast<std::size_t>(2 * queryHeads * headDim), 3, 2.0f);
    harness.write(harness.buffers.query, query);
    // Row 1 sees the whole length, row 0 all but the last key.
    const std::vector<engine::TokenParams> rows{
        {.position = static_cast<std::uint32_t>(std::max(0, length - 2))},
        {.position = static_cast<std::uint32_t>(length - 1)}};
    harness.run(rows, 1, 1);

    expectAttention(harness, rows, {.query = query, .keys = keys, .values = values});
    if (!shape.attendsByOctets()) return;
    // Twice, for it leaves its counters as it found them.
    harness.shape.mergesLast = true;
    for (int round = 0; round < 2; ++round) {
      harness.write(harness.buffers.attended,
                    std::vector<float>(static_cast<std::size_t>(2 * shape.attendedColumns()), 1e9f));
      harness.run(rows, 1, 1);
      expectAttention(harness, rows, {.query = query, .keys = keys, .values = values});
    }
  }

  void attentionByQueryTiles_data() {
    QTest::addColumn<model::AttentionShape>("heads");
    QTest::addColumn<int>("firstPosition");
    QTest::addColumn<int>("positions");
    QTest::addColumn<int>("texts");
    QTest::addColumn<int>("window");
    QTest::addColumn<double>("cap");
    QTest::addColumn<bool>("f16Cache");
    QTest::addColumn<bool>("naive");
    using Heads = model::AttentionShape;
    struct Row {
      const char* what;
      Heads heads;
      int firstPosition, positions, texts, window;
      double cap;
      bool f16Cache, naive;
    };
    for (const Row& row : {
             Row{"MHA from the start", {4, 4, 32}, 0, 24, 1, 0, 0.0, false, false},
             Row{"GQA-4, whole tiles, f16", {8, 2, 64}, 100, 64, 1, 0, 0.0, true, false},
             Row{"MQA, rows of one token in two tiles", {71, 1, 64}, 7, 24, 1, 0, 0.0, false, false},
             Row{"the same, f16", {71, 1, 64}, 7, 24, 1, 0, 0.0, true, false},
             Row{"two texts, heads of no whole octets", {6, 2, 12}, 5, 15, 2, 0, 0.0, false, false},
             Row{"eight texts, head_dim 36", {4, 1, 36}, 130, 8, 8, 0, 0.0, true, false},
             Row{"eight texts, head_dim 48", {4, 1, 48}, 130, 8, 8, 0, 0.0, true, false},
             Row{"head_dim 80, f16", {3, 3, 80}, 61, 33, 1, 0, 0.0, true, false},
             Row{"the largest block, f16", {2, 1, 128}, 3, HEADROOM_MAX_TOKENS, 1, 0, 0.0, true, false},
             Row{"head_dim 256", {2, 1, 256}, 70, 40, 1, 0, 0.0, false, false},
             Row{"head_dim 256, f16", {2, 1, 256}, 70, 40, 1, 0, 0.0, true, false},
             Row{"a window that ends within a block", {4, 2, 16}, 190, 50, 1, 37, 0.0, false, false},
             Row{"such a window, f16", {4, 2, 16}, 190, 50, 1, 37, 0.0, true, false},
             Row{"capped scores", {4, 2, 20}, 9, 30, 1, 0, 1.5, false, false},
             Row{"capped scores, f16", {4, 2, 32}, 9, 30, 1, 0, 1.5, true, false},
             Row{"the naive kernel", {4, 1, 32}, 66, 29, 1, 0, 0.0, false, true},
             Row{"the naive kernel, f16", {4, 1, 32}, 66, 29, 1, 0, 0.0, true, true},
         }) {
      QTest::addRow("%s", row.what) << row.heads << row.firstPosition << row.positions << row.texts
                                    << row.window << row.cap << row.f16Cache << row.naive;
    }
  }

  /// As attentionDecode, for many tokens of a text, or of several side by side.
  void attentionByQueryTiles() {
    QFETCH(model::AttentionShape, heads);
    QFETCH(int, firstPosition);
    QFETCH(int, positions);
    QFETCH(int, texts);
    QFETCH(int, window);
    QFETCH(double, cap);
    QFETCH(bool, f16Cache);
    QFETCH(bool, naive);
    const int context = firstPosition + positions + 5;
    model::Model model = makeModel(heads.queryHeadCount, heads.kvHeadCount, heads.headDim, context);
    model.config.slidingWindow = window;
    if (window > 0) model.config.traits.windows = model::Windows::EveryLayer;
    model.config.attentionSoftCap = static_cast<float>(cap);
    engine::StepShape shape =
        engine::StepShape::make(m_gpu.device.info(), model.config,
                                {.kvType = f16Cache ? model::KvType::F16 : model::KvType::F32,
                                 .batch = texts,
                                 .attention = naive ? AttentionKernel::Naive : AttentionKernel::Shared,
                                 .kernels = {.family = KernelFamily::Rows}});
    shape.chunkCount = 3;  // of steps that do not go by tiles
    shape.captureFloats = static_cast<std::uint64_t>(positions * texts * heads.queryHeadCount * context);
    shape.captureExtents = static_cast<std::uint64_t>(positions * texts * heads.queryHeadCount * 3);
    std::vector<engine::TokenParams> rows;
    for (int position = 0; position < positions; ++position) {
      for (int text = 0; text < texts; ++text) {
        rows.push_back({.position = static_cast<std::uint32_t>(firstPosition + position),
                        .sequence = static_cast<std::uint32_t>(text)});
      }
    }
    QCOMPARE(shape.textsOf(rows), texts);
    KernelHarness harness(m_gpu.device, model, shape.forQueryTiles(), TokenTile::Many,
                          Stage::AttentionDecode);
    const auto cacheSize = static_cast<std::size_t>(texts * heads.kvDim() * context);
    const Inputs inputs{
        .query = randomFloats(rows.size() * static_cast<std::size_t>(heads.queryDim()), 3, 2.0f),
        .keys = harness.writeCache(harness.cache.keyOffset(0), randomFloats(cacheSize, 1)),
        .values = harness.writeCache(harness.cache.valueOffset(0), randomFloats(cacheSize, 2))};
    harness.write(harness.buffers.query, inputs.query);
    harness.run(rows, 1, 1);
    expectAttention(harness, rows, inputs);
  }

  /// Rows that do not lie so go one by one.
  void whatIsNoTextSideBySide() {
    const model::Model model = makeModel(4, 2, 16, 200);
    const engine::StepShape shape = engine::StepShape::make(
        m_gpu.device.info(), model.config, {.batch = 64, .kernels = {.family = KernelFamily::Rows}});
    const auto text = [](std::uint32_t sequence, std::uint32_t from, std::uint32_t count) {
      std::vector<engine::TokenParams> rows;
      for (std::uint32_t at = from; at < from + count; ++at)
        rows.push_back({.position = at, .sequence = sequence});
      return rows;
    };
    QCOMPARE(shape.textsOf(text(0, 50, 23)), 0);  // few
    QCOMPARE(shape.textsOf(text(0, 50, 24)), 1);
    std::vector<engine::TokenParams> decoded;  // a row of each of many sequences
    for (std::uint32_t sequence = 0; sequence < 64; ++sequence)
      decoded.push_back({.position = 40, .sequence = sequence});
    QCOMPARE(shape.textsOf(decoded), 0);
    std::vector<engine::TokenParams> joined = text(0, 50, 20);  // one text behind another
    std::ranges::copy(text(1, 0, 20), std::back_inserter(joined));
    QCOMPARE(shape.textsOf(joined), 0);
    std::vector<engine::TokenParams> torn = text(0, 0, 30);
    torn[20].position = 90;
    QCOMPARE(shape.textsOf(torn), 0);
    const engine::StepShape packed = engine::StepShape::make(m_gpu.device.info(), model.config,
                                                             {.kernels = {.family = KernelFamily::Packed}});
    QCOMPARE(packed.textsOf(text(0, 0, 40)), 0);
  }

  void pooledCaptureKeepsTheLargestOfEight_data() {
    QTest::addColumn<KernelFamily>("family");
    for (KernelFamily family : kFamilies)
      QTest::addRow("%s", std::string(shortName(family)).c_str()) << family;
  }
  void pooledCaptureKeepsTheLargestOfEight() {
    QFETCH(KernelFamily, family);
    const model::Model model = makeModel(6, 2, 32, 500);
    const engine::StepShape shape =
        engine::StepShape::make(m_gpu.device.info(), model.config, {.kernels = {.family = family}});
    KernelHarness harness(m_gpu.device, model, shape, TokenTile::Several, Stage::AttentionDecode);
    harness.write(harness.buffers.query, randomFloats(2 * 6 * 32, 1));
    harness.writeCache(harness.cache.keyOffset(0), randomFloats(2 * 500 * 32, 2));
    const std::vector<engine::TokenParams> rows{{.position = 450}, {.position = 451}};
    harness.run(rows, 1, 1);
    const auto mapped = harness.buffers.captured.mapped<const float>();
    const std::vector<float> full(mapped.begin(), mapped.end());
    harness.run(rows, 1, HEADROOM_LANES);
    for (std::size_t slotRow = 0; slotRow < 12; ++slotRow) {
      const std::size_t seen = rows[slotRow % 2].position + 1;
      for (std::size_t first = 0; first < seen; first += HEADROOM_LANES) {
        const auto scores = std::span(full).subspan(slotRow * 500 + first);
        const float expected =
            *std::ranges::max_element(scores.first(std::min<std::size_t>(HEADROOM_LANES, seen - first)));
        QCOMPARE(mapped[slotRow * 500 + first / HEADROOM_LANES], expected);
      }
    }
  }

  void captureOffWritesNothing() {
    const model::Model model = makeModel(4, 2, 16, 40);
    const engine::StepShape shape = engine::StepShape::make(m_gpu.device.info(), model.config, {});
    KernelHarness harness(m_gpu.device, model, shape, TokenTile::One, Stage::AttentionDecode);
    harness.write(harness.buffers.query, randomFloats(64, 1));
    harness.writeCache(harness.cache.keyOffset(0), randomFloats(2 * 16 * 40, 2));
    const std::vector<engine::TokenParams> rows{{.position = 30}};
    harness.run(rows, 1, 0);
    QVERIFY(std::ranges::all_of(harness.buffers.captured.mapped<const float>(),
                                [](float x) { return x == 0.0f; }));
    harness.run(rows, 1, 1);
    QVERIFY(std::ranges::any_of(harness.buffers.captured.mapped<const float>(),
                                [](float x) { return x != 0.0f; }));
  }

  void attentionOutput_data() {
    QTest::addColumn<int>("queryHeads");
    QTest::addColumn<int>("headDim");
    QTest::addColumn<int>("chunks");
    QTest::addColumn<int>("emptyChunks");
    QTest::addColumn<int>("tokens");
    QTest::addColumn<KernelFamily>("family");
    for (KernelFamily family : kFamilies) {
      const auto row = [&](const char* what) -> QTestData& {
        return QTest::addRow("%s, %s", what, std::string(shortName(family)).c_str());
      };
      row("one chunk") << 8 << 32 << 1 << 0 << 1 << family;
      row("four chunks") << 8 << 32 << 4 << 0 << 1 << family;
      row("all but one chunk empty") << 8 << 32 << 8 << 7 << 1 << family;
      row("columns that fill no workgroup") << 3 << 12 << 2 << 1 << 5 << family;
      row("head_dim 256") << 2 << 256 << 3 << 1 << 2 << family;
      row("head_dim 8") << 71 << 8 << 2 << 0 << 4 << family;
    }
  }

  void attentionOutput() {
    QFETCH(int, queryHeads);
    QFETCH(int, headDim);
    QFETCH(int, chunks);
    QFETCH(int, emptyChunks);
    QFETCH(int, tokens);
    QFETCH(KernelFamily, family);
    const model::Model model = makeModel(queryHeads, 1, headDim, 64);
    engine::StepShape shape =
        engine::StepShape::make(m_gpu.device.info(), model.config, {.kernels = {.family = family}});
    shape.chunkCount = chunks;
    shape.minChunkKeys = 8;
    const int length = 8 * (chunks - emptyChunks);
    KernelHarness harness(m_gpu.device, model, shape, tokens == 1 ? TokenTile::One : TokenTile::Several,
                          Stage::AttentionOutput);

    const auto heads = static_cast<std::size_t>(queryHeads);
    const auto dim = static_cast<std::size_t>(headDim);
    const auto chunkCount = static_cast<std::size_t>(chunks);
    const auto rowCount = static_cast<std::size_t>(tokens);
    const auto modelDim = static_cast<std::size_t>(model.config.modelDim);
    std::vector<float> partial = randomFloats(rowCount * chunkCount * heads * dim, 1);
    std::vector<float> extent = randomFloats(rowCount * chunkCount * heads * 2, 2, 3.0f);
    for (std::size_t entry = 0; entry < rowCount * chunkCount * heads; ++entry) {
      extent[2 * entry + 1] = 1.0f + std::abs(extent[2 * entry + 1]);
      if (entry / heads % chunkCount < chunkCount - static_cast<std::size_t>(emptyChunks)) continue;
      extent[2 * entry] = -std::numeric_limits<float>::infinity();
      extent[2 * entry + 1] = 0.0f;
      // The rows family leaves what was there.
      const float rest = family == KernelFamily::Rows ? std::numeric_limits<float>::quiet_NaN() : 0.0f;
      for (std::size_t i = 0; i < dim; ++i) partial[entry * dim + i] = rest;
    }
    const std::vector<float> stream = randomFloats(rowCount * shape.streamColumns(), 3);
    harness.write(harness.buffers.partial, partial);
    harness.write(harness.buffers.extent, extent);
    harness.write(harness.buffers.stream, stream);
    harness.run(
        std::vector<engine::TokenParams>(rowCount, {.position = static_cast<std::uint32_t>(length - 1)}));

    const std::vector<float> actual = harness.read(harness.buffers.stream, rowCount * shape.streamColumns());
    for (std::size_t row = 0; row < rowCount; ++row) {
      std::vector<double> input(heads * dim);
      for (std::size_t head = 0; head < heads; ++head) {
        double highest = -std::numeric_limits<double>::infinity();
        double sum = 0.0;
        const auto entryOf = [&](std::size_t chunk) { return (row * chunkCount + chunk) * heads + head; };
        for (std::size_t chunk = 0; chunk < chunkCount; ++chunk) {
          highest = std::max(highest, static_cast<double>(extent[2 * entryOf(chunk)]));
        }
        for (std::size_t chunk = 0; chunk < chunkCount; ++chunk) {
          const double weight = std::exp(extent[2 * entryOf(chunk)] - highest);
          sum += weight * extent[2 * entryOf(chunk) + 1];
          if (weight == 0.0) continue;
          for (std::size_t i = 0; i < dim; ++i)
            input[head * dim + i] += weight * partial[entryOf(chunk) * dim + i];
        }
        for (std::size_t i = 0; i < dim; ++i) input[head * dim + i] /= sum;
      }
      std::vector<double> expected = multiply(model.weights.layers[0].attentionOutput, input);
      for (std::size_t i = 0; i < modelDim; ++i) expected[i] += stream[row * shape.streamColumns() + i];
      compare(rowOf(actual, row, shape.streamColumns()).first(modelDim), expected, "residual stream");
    }
  }
};

QTEST_GUILESS_MAIN(TestAttentionKernels)
#include "tst_attention_kernels.moc"
