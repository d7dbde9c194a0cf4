#include <QTest>

#include "core/analysis/truth_card.h"
#include "core/model/architecture.h"
#include "core/model/rope.h"

using namespace headroom;

/// KV bytes per token of published models (2 x layers x KV heads x head_dim x 2 bytes, with the numbers of
/// their papers and config.json), and what the card says of contradictions and of memory.
class TestTruthCard : public QObject {
  Q_OBJECT

 private slots:
  void formulaOfPublishedModels_data() {
    QTest::addColumn<int>("queryHeads");
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("headDim");
    QTest::addColumn<int>("layers");
    QTest::addColumn<qulonglong>("bytes");
    QTest::newRow("Gemma 2B, MQA") << 8 << 1 << 256 << 18 << 18432ull;
    QTest::newRow("Gemma 7B, MHA") << 16 << 16 << 256 << 28 << 458752ull;
    QTest::newRow("StarCoder, MQA") << 48 << 1 << 128 << 40 << 20480ull;
    QTest::newRow("Falcon 7B, MQA") << 71 << 1 << 64 << 32 << 8192ull;
    QTest::newRow("Llama 3.1 8B, GQA") << 32 << 8 << 128 << 32 << 131072ull;
    QTest::newRow("Llama 2 70B, GQA") << 64 << 8 << 128 << 80 << 327680ull;
    QTest::newRow("PaLM 540B, MQA") << 48 << 1 << 256 << 118 << 120832ull;
  }
  void formulaOfPublishedModels() {
    QFETCH(int, queryHeads);
    QFETCH(int, kvHeads);
    QFETCH(int, headDim);
    QFETCH(int, layers);
    QFETCH(qulonglong, bytes);
    model::ModelConfig config;
    config.layerCount = layers;
    config.attention = {queryHeads, kvHeads, headDim};
    const analysis::KvFormula formula = analysis::kvFormula(config, model::KvType::F16);
    QCOMPARE(formula.bytesPerToken, bytes);
    const std::string text = formula.text();
    for (int term : {layers, kvHeads, headDim}) {
      QVERIFY2(text.find(std::to_string(term)) != std::string::npos, text.c_str());
    }
    QVERIFY2(text.ends_with(" bytes per token"), text.c_str());
    const analysis::KvFormula eight = analysis::kvFormula(config, model::KvType::F16, 8);
    QCOMPARE(eight.bytesPerToken, 8 * bytes);
    QVERIFY(eight.text().find(" bytes \u00d7 8 sequences = ") != std::string::npos);
    QVERIFY(eight.text().ends_with(" bytes per position"));
  }

  void memoryThatDoesNotFitIsSaid() {
    analysis::MemoryOutlook memory{.device = "a device", .there = 1000};
    memory.need = {.weights = 700, .cache = 200, .working = 50, .storage = "F16"};
    QVERIFY(memory.fits());
    const auto row = [&] {
      analysis::TruthCard card;
      card.memory = memory;
      const std::vector<analysis::CardRow> rows = card.rows();
      return std::ranges::find(rows, "Memory", &analysis::CardRow::label)->value;
    };
    QVERIFY2(row().starts_with("950 B needed on a device") && row().ends_with("it fits"), row().c_str());
    memory.refusal = "Too much of it.";
    QVERIFY(!memory.fits());
    QVERIFY2(row().starts_with("950 B needed on a device") && row().ends_with(". Too much of it."),
             row().c_str());
    memory.need = {};
    QCOMPARE(row(), std::string("Too much of it."));
  }

  void nearestArchitectureIsNamed_data() {
    QTest::addColumn<QString>("asked");
    QTest::addColumn<QString>("nearest");
    QTest::newRow("llama4") << "llama4"
                            << "llama";
    QTest::newRow("qwen2moe") << "qwen2moe"
                              << "qwen2";
    QTest::newRow("gemma3") << "gemma3"
                            << "gemma";
    QTest::newRow("phi4") << "phi4"
                          << "phi2";
  }
  void nearestArchitectureIsNamed() {
    QFETCH(QString, asked);
    QFETCH(QString, nearest);
    const model::Architecture& found = model::nearestArchitecture(asked.toStdString());
    QVERIFY2(
        found.name == nearest.toStdString() || found.name.substr(0, 3) == nearest.toStdString().substr(0, 3),
        std::string(found.name).c_str());
  }

  void whatATraceHoldsIsSaid() {
    model::ModelConfig config{.name = "part", .layerCount = 4, .contextLength = 300};
    config.attention = {.queryHeadCount = 4, .kvHeadCount = 2, .headDim = 8};
    const auto said = [&](const model::RecordedPart& part) {
      std::string text;
      for (const analysis::CardRow& row :
           analysis::traceCard("t.safetensors", config, "trace by a test", part).rows())
        text += row.value + "\n";
      return text;
    };
    QVERIFY(said({.layers = {0, 1, 2, 3}, .firstRow = 0, .rowCount = 300}).find("not recorded") ==
            std::string::npos);
    QVERIFY(said({.layers = {0, 2}, .firstRow = 0, .rowCount = 300})
                .find("layers 0, 2 of 4; the rest is not recorded") != std::string::npos);
    QVERIFY(said({.layers = {3}, .firstRow = 100, .rowCount = 50})
                .find("layers 3 of 4; the rows of positions 100 to 149 of 300; the rest") !=
            std::string::npos);
  }

  /// Against the formulas of the papers and of the published configurations, pair by pair.
  void ropeScaling() {
    model::ModelConfig config;
    config.ropeDim = 64;
    config.ropeBase = 500000.0f;
    const auto plain = [&](std::size_t pair) {
      return std::pow(500000.0, -2.0 * static_cast<double>(pair) / 64.0);
    };
    config.ropeScaling = {.kind = model::RopeScalingKind::Linear, .factor = 4.0};
    QCOMPARE(model::RopeTable(config, 100).frequencies[5], plain(5) / 4.0);

    // Llama 3.1: factor 8, low 1, high 4, 8,192 positions. Wavelength 2 pi / frequency.
    config.ropeScaling = {.kind = model::RopeScalingKind::Llama3, .factor = 8.0, .originalContext = 8192};
    const model::RopeTable llama3(config, 100);
    for (std::size_t pair = 0; pair < 32; ++pair) {
      const double turns = 8192.0 * plain(pair) / (2.0 * M_PI);  // within the original context
      double expected = plain(pair);
      if (turns < 1.0) expected /= 8.0;
      if (turns >= 1.0 && turns <= 4.0) expected *= ((4.0 - turns) / 8.0 + (turns - 1.0)) / 3.0;
      QVERIFY(std::abs(llama3.frequencies[pair] / expected - 1.0) < 1e-12);
    }

    // YaRN: unchanged above 32 turns, divided below 1; magnitude 0.1 ln(s) + 1.
    config.ropeBase = 10000.0f;
    config.ropeScaling = {.kind = model::RopeScalingKind::Yarn, .factor = 16.0, .originalContext = 4096};
    const model::RopeTable yarn(config, 100);
    QVERIFY(std::abs(yarn.magnitude - (0.1 * std::log(16.0) + 1.0)) < 1e-12);
    QCOMPARE(yarn.frequencies[0], 1.0);
    QVERIFY(std::abs(yarn.frequencies[31] / (std::pow(10000.0, -62.0 / 64.0) / 16.0) - 1.0) < 1e-12);
    for (std::size_t pair = 1; pair < 32; ++pair) {
      const double ratio =
          yarn.frequencies[pair] / std::pow(10000.0, -2.0 * static_cast<double>(pair) / 64.0);
      QVERIFY(ratio <= 1.0 && ratio >= 1.0 / 16.0 - 1e-12);
    }

    // LongRoPE: the long set only for caches beyond the original context.
    config.ropeDim = 4;
    config.ropeScaling = {.kind = model::RopeScalingKind::Factors,
                          .originalContext = 100,
                          .factors = {1.0f, 2.0f},
                          .longFactors = {3.0f, 4.0f}};
    QCOMPARE(model::RopeTable(config, 100).frequencies[1], 0.01 / 2.0);
    QCOMPARE(model::RopeTable(config, 101).frequencies[1], 0.01 / 4.0);
  }
};

QTEST_GUILESS_MAIN(TestTruthCard)
#include "tst_truth_card.moc"
