#include <QJsonArray>
#include <QTest>

#include "core/formats/npy.h"
#include "core/formats/trace/trace_file.h"
#include "tests/app_cli/command_line.h"

using namespace headroom;
using tests::checkpoint;
using tests::kTiny;
using tests::Outcome;
using tests::run;

/// What `decode --trace` and `attention` write, and how large that is.
class TstTraces : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QString file(const QString& name) const { return m_folder.filePath(name); }

  /// [3][8][T][T] of the reference, of what the trace's tokens say.
  formats::NpyArray truth(const model::Trace& trace, const QString& model) const {
    QStringList ids;
    for (int token : trace.tokens) ids << QString::number(token);
    const Outcome whole = run({"attention", checkpoint(model), "--tokens", ids.join(","), "--backend",
                               "reference", "--output", file("truth.npy")});
    if (whole.exitCode != 0) qWarning("%s", whole.errors.constData());
    return formats::readNpy(file("truth.npy").toStdString());
  }

 private slots:
  void tracesHoldTheAttention_data() {
    QTest::addColumn<QStringList>("type");
    QTest::addColumn<int>("storage");
    QTest::addColumn<double>("limit");
    // F16 keeps 11 bits: each value within 2^-12 of itself at best, 2^-11 at worst.
    QTest::newRow("f16, as a trace is written") << QStringList{} << int(model::Storage::F16) << 1.0 / 2048;
    QTest::newRow("f16") << QStringList{"--trace-type", "f16"} << int(model::Storage::F16) << 1.0 / 2048;
    QTest::newRow("f32") << QStringList{"--trace-type", "f32"} << int(model::Storage::F32)
                         << tests::kReferenceF32CacheLimit;
  }
  void tracesHoldTheAttention() {
    QFETCH(QStringList, type);
    QFETCH(int, storage);
    QFETCH(double, limit);
    const QStringList models{"llama-mha-8x8-f32", kTiny};
    const Outcome outcome =
        run(QStringList{"decode", checkpoint(models[0]), checkpoint(models[1]), "--tokens", "1,2",
                        "--max-tokens", "3", "--trace", file("trace.safetensors")} +
            type);
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const char* names[] = {"trace.safetensors", "trace-2.safetensors"};
    for (int lane = 0; lane < 2; ++lane) {
      const model::Trace trace = formats::readTrace(file(names[lane]).toStdString());
      QCOMPARE(trace.config.attention.kvHeadCount, lane == 0 ? 8 : 1);
      QCOMPARE(trace.tokens.size(), std::size_t{5});
      QCOMPARE(trace.promptTokens, 2);
      // The same attention as the command for it computes from the same tokens.
      const formats::NpyArray expected = truth(trace, models[lane]);
      std::vector<double> actual;
      for (const model::Tensor& layer : trace.attention) {
        QCOMPARE(int(layer.storage), storage);
        for (float value : layer.toFloat()) actual.push_back(value);
      }
      QVERIFY((tests::relativeError<double, double>(actual, expected.values)) <= limit);
    }
  }

  /// Rows of a part are those of the whole, and what is left out is not there.
  void partsAreThoseOfTheWhole_data() {
    QTest::addColumn<QString>("layers");
    QTest::addColumn<QString>("rows");
    QTest::addColumn<QList<int>>("recorded");
    QTest::addColumn<int>("firstRow");
    QTest::addColumn<int>("rowCount");  // of 7 + 6 tokens
    QTest::newRow("a layer") << "1"
                             << "" << QList<int>{1} << 0 << 13;
    QTest::newRow("two layers") << "0,2:3"
                                << "" << QList<int>{0, 2} << 0 << 13;
    QTest::newRow("rows of the prompt") << ""
                                        << "2:5" << QList<int>{0, 1, 2} << 2 << 3;
    QTest::newRow("rows of both") << ""
                                  << "5:10" << QList<int>{0, 1, 2} << 5 << 5;
    QTest::newRow("to the end") << ""
                                << "9:" << QList<int>{0, 1, 2} << 9 << 4;
    QTest::newRow("layers and rows") << "2"
                                     << ":1" << QList<int>{2} << 0 << 1;
  }
  void partsAreThoseOfTheWhole() {
    QFETCH(QString, layers);
    QFETCH(QString, rows);
    QFETCH(QList<int>, recorded);
    QFETCH(int, firstRow);
    QFETCH(int, rowCount);
    QStringList arguments{"decode",       checkpoint(kTiny),
                          "--tokens",     "5,6,7,8,9,10,11",
                          "--max-tokens", "6",
                          "--trace",      file("part.safetensors"),
                          "--trace-type", "f32"};
    if (!layers.isEmpty()) arguments << "--trace-layers" << layers;
    if (!rows.isEmpty()) arguments << "--trace-rows" << rows;
    const Outcome outcome = run(arguments);
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const model::Trace trace = formats::readTrace(file("part.safetensors").toStdString());
    QCOMPARE(trace.tokens.size(), std::size_t{13});
    QCOMPARE(trace.recorded.firstRow, firstRow);
    QCOMPARE(trace.recorded.rowCount, rowCount);
    const formats::NpyArray expected = truth(trace, kTiny);
    for (int layer = 0; layer < 3; ++layer) {
      const model::Tensor& maps = trace.attention[static_cast<std::size_t>(layer)];
      QCOMPARE(maps.empty(), !recorded.contains(layer));
      if (maps.empty()) continue;
      const std::vector<float> values = maps.toFloat();
      QCOMPARE(values.size(), static_cast<std::size_t>(8 * rowCount * 13));
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t column = i % 13;
        const std::size_t row =
            i / 13 % static_cast<std::size_t>(rowCount) + static_cast<std::size_t>(firstRow);
        const std::size_t head = i / 13 / static_cast<std::size_t>(rowCount);
        const double whole =
            expected.values[((static_cast<std::size_t>(layer) * 8 + head) * 13 + row) * 13 + column];
        QVERIFY(std::abs(values[i] - whole) <= 1e-5);
      }
    }
  }

  void rowsOfAnAttentionMap() {
    const QStringList attention{"attention", checkpoint(kTiny), "--tokens", "5,6,7,8,9", "--output"};
    QVERIFY(run(attention + QStringList{file("whole.npy")}).exitCode == 0);
    QVERIFY(run(attention + QStringList{file("rows.npy"), "--rows", "1:3", "--layer", "2", "--head", "4"})
                .exitCode == 0);
    const auto whole = formats::readNpy(file("whole.npy").toStdString());
    const auto rows = formats::readNpy(file("rows.npy").toStdString());
    QVERIFY(rows.shape == (std::vector<std::int64_t>{2, 5}));
    for (std::size_t i = 0; i < 10; ++i) {
      // Prompts of other lengths are run in other blocks, whose sums round in another order.
      QVERIFY(std::abs(rows.values[i] - whole.values[((2 * 8 + 4) * 5 + 1) * 5 + i]) <= 1e-6);
    }
  }

  /// Ids and pieces lie beside the map; a stream has no beside.
  void tokensLieBesideTheMap() {
    const QStringList attention{"attention", checkpoint(kTiny), "--prompt", "hello", "--json", "--output"};
    const QJsonObject report = run(attention + QStringList{file("map.npy")}).json();
    QCOMPARE(report["tokens_file"].toString(), file("map.tokens.json"));
    QFile beside(file("map.tokens.json"));
    QVERIFY(beside.open(QFile::ReadOnly));
    const QJsonObject tokens = QJsonDocument::fromJson(beside.readAll()).object();
    const QJsonObject tokenized = run({"tokenize", checkpoint(kTiny), "--text", "hello", "--json"}).json();
    QJsonArray ids = tokens["tokens"].toArray();
    QJsonArray pieces = tokens["pieces"].toArray();
    QCOMPARE(ids.size(), pieces.size());
    ids.removeFirst();  // the begin token
    pieces.removeFirst();
    QCOMPARE(ids, tokenized["ids"].toArray());
    QCOMPARE(pieces, tokenized["pieces"].toArray());
    QVERIFY(run(attention + QStringList{"/dev/null"}).json()["tokens_file"].isNull());
    QVERIFY(!QFile::exists("/dev/null.tokens.json") && !QFile::exists("/dev/tokens.json"));
  }

  void attentionGoesBeyondTheModelsContext() {
    QStringList ids;
    for (int i = 0; i < 300; ++i) ids << QString::number(i % 300 + 1);
    const QStringList attention{"attention", checkpoint(kTiny), "--tokens", ids.join(","), "--layer",
                                "0",         "--head",          "0",        "--rows",      "299",
                                "--output",  file("long.npy")};
    const Outcome within = run(attention + QStringList{"--context", "299"});
    QCOMPARE(within.exitCode, 1);
    QVERIFY2(within.errors.contains("299"), within.errors.constData());
    const Outcome beyond = run(attention + QStringList{"--context", "300"});
    QVERIFY2(beyond.exitCode == 0, beyond.errors.constData());
    const auto map = formats::readNpy(file("long.npy").toStdString());
    QVERIFY(map.shape == (std::vector<std::int64_t>{1, 300}));
    double sum = 0.0;
    for (double value : map.values) sum += value;
    QVERIFY(std::abs(sum - 1.0) <= tests::kRowSumLimit);
  }

  /// Sizes are those of the formula, said before anything is decoded.
  void largeFilesAreRefused_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<qint64>("bytes");
    const auto decode = [](const QStringList& more) {
      return QStringList{"decode", checkpoint(kTiny), "--tokens", "5",      "--max-tokens",
                         "8191",   "--context",       "8192",     "--trace"} +
             more;
    };
    // 3 layers x 8 heads x 8192 x 8192 x 2 bytes, and parts of that.
    const qint64 whole = qint64{3} * 8 * 8192 * 8192 * 2;
    QTest::newRow("a trace") << decode({file("a")}) << whole;
    QTest::newRow("a trace in f32") << decode({file("a"), "--trace-type", "f32"}) << 2 * whole;
    QTest::newRow("a trace of two layers") << decode({file("a"), "--trace-layers", "1:3"}) << whole / 3 * 2;
    QTest::newRow("a trace of half its rows") << decode({file("a"), "--trace-rows", "4096:"}) << whole / 2;
    QTest::newRow("a pipe") << decode({"/dev/stdout"}) << whole;
  }
  void largeFilesAreRefused() {
    QFETCH(QStringList, arguments);
    QFETCH(qint64, bytes);
    const Outcome outcome = run(arguments);
    QCOMPARE(outcome.exitCode, 1);
    QVERIFY2(outcome.errors.contains(QString("would have up to %1 bytes").arg(bytes).toUtf8()),
             outcome.errors.constData());
    QVERIFY2(outcome.errors.contains("--allow-large"), outcome.errors.constData());
    QCOMPARE(outcome.errors.count('\n'), 1);
    QVERIFY(outcome.output.isEmpty());
    QVERIFY(!QFile::exists(file("a")));
  }

  /// With consent, what the disk cannot hold is refused all the same.
  void moreThanTheDiskHasIsRefused() {
    const Outcome outcome =
        run({"decode", checkpoint(kTiny), "--tokens", "5", "--max-tokens", "9999999", "--context", "10000000",
             "--trace", file("huge.safetensors"), "--allow-large"});
    QCOMPARE(outcome.exitCode, 1);
    QVERIFY2(outcome.errors.contains("the disk has"), outcome.errors.constData());
    QCOMPARE(outcome.errors.count('\n'), 1);
  }

  /// The announced size is the file's: what is in the file besides the maps is less than a percent.
  void largeFilesAreAnnounced() {
    const Outcome outcome = run({"decode", checkpoint(kTiny), "--tokens", "5", "--max-tokens", "1499",
                                 "--context", "1500", "--trace", file("said.safetensors")});
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const qint64 bytes = qint64{3} * 8 * 1500 * 1500 * 2;
    QVERIFY2(outcome.errors.contains(QString("will have up to %1 bytes").arg(bytes).toUtf8()),
             outcome.errors.constData());
    const qint64 actual = QFileInfo(file("said.safetensors")).size();
    QVERIFY(actual > bytes && actual < bytes + bytes / 100);
  }
};

QTEST_GUILESS_MAIN(TstTraces)
#include "tst_traces.moc"
