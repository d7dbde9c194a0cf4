#include <QTest>
#include <cmath>

#include "core/formats/npy.h"
#include "tests/app_cli/command_line.h"

using namespace headroom;
using namespace headroom::tests;

/// headroom-cli patch.
class TestPatch : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QString file(const char* name) const { return m_folder.filePath(name); }

  static QStringList patch(const QString& model, const QString& place, const QString& output) {
    return {"patch",  model,  "--clean", "300,1000,2000,17", "--corrupt", "300,1001,2000,17", "--answer",
            "40,400", "--at", place,     "--output",         output};
  }

  /// Logit 40 less logit 400 after the last token, by another command on the device.
  double difference(const QString& model, const QString& tokens) const {
    if (run({"logits", model, "--tokens", tokens, "--prefill", "--output", file("logits.npy")}).exitCode != 0)
      return std::nan("");
    const formats::NpyArray logits = formats::readNpy(file("logits.npy").toStdString());
    const auto last = std::span<const double>(logits.values).last(static_cast<std::size_t>(logits.shape[1]));
    return last[40] - last[400];
  }

 private slots:
  /// Differences, and the effects that follow from them: before the first layer that of another text, after
  /// the last all or nothing.
  void residual_data() {
    QTest::addColumn<QString>("model");
    QTest::newRow("MHA") << "mha";
    QTest::newRow("GQA") << "gqa";
    QTest::newRow("MQA") << "mqa";
  }
  void residual() {
    QFETCH(QString, model);
    const Outcome outcome = run(QStringList{"--json"} + patch(model, "residual", file("residual.npy")));
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const QJsonObject document = outcome.json();
    QCOMPARE(document["computed_in"].toString(), QString("float64 on the processor"));
    const double clean = difference(model, "300,1000,2000,17"),
                 corrupt = difference(model, "300,1001,2000,17");
    QVERIFY(std::abs(document["clean_difference"].toDouble() - clean) <= 1e-3);
    QVERIFY(std::abs(document["corrupt_difference"].toDouble() - corrupt) <= 1e-3);
    const formats::NpyArray effects = formats::readNpy(file("residual.npy").toStdString());
    QVERIFY(effects.shape == (std::vector<std::int64_t>{7, 4}));
    const auto at = [&](std::size_t layer, std::size_t position) {
      return effects.values[layer * 4 + position];
    };
    // Only position 1 differs: its token's stream makes the clean text of the corrupt one.
    QVERIFY(std::abs(clean - corrupt) > 0.02);
    QVERIFY(std::abs(at(0, 1) - (clean - corrupt)) <= 1e-3);
    for (const std::size_t position : {0u, 2u, 3u}) QCOMPARE(at(0, position), 0.0);
    for (std::size_t layer = 0; layer < 7; ++layer) QCOMPARE(at(layer, 0), 0.0);
    for (const std::size_t position : {0u, 1u, 2u}) QCOMPARE(at(6, position), 0.0);
    QVERIFY(std::abs(at(6, 3) - (clean - corrupt)) <= 1e-3);
  }

  void heads() {
    const Outcome outcome = run(patch("gqa", "heads", file("heads.npy")));
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    QVERIFY(formats::readNpy(file("heads.npy").toStdString()).shape == (std::vector<std::int64_t>{6, 8}));
    QVERIFY2(outcome.output.contains("[6][8] float32, computed in float64 on the processor"),
             outcome.output.constData());
    QVERIFY2(QString::fromUtf8(outcome.output)
                 .contains(QRegularExpression("logit 40 - logit 400 .*clean -?[0-9.]+, corrupt -?[0-9.]+;")),
             outcome.output.constData());
  }

  void wrongUse_data() {
    addRefusalColumns();
    const auto row = [](const char* what, const QStringList& arguments, int code, const char* sentence) {
      QTest::newRow(what) << QStringList{"patch", "mqa"} + arguments << code << QString(sentence);
    };
    const auto with = [&](const QString& clean, const QString& corrupt, const QString& answer,
                          const QString& place) {
      return QStringList{"--clean", clean,  "--corrupt", corrupt,    "--answer",
                         answer,    "--at", place,       "--output", file("x.npy")};
    };
    row("without a text", {"--corrupt", "1", "--answer", "1,2", "--at", "heads", "--output", file("x.npy")},
        2, "--clean is required");
    row("without an answer", {"--clean", "1", "--corrupt", "1", "--at", "heads", "--output", file("x.npy")},
        2, "--answer is required");
    row("without a file", {"--clean", "1", "--corrupt", "1", "--answer", "1,2", "--at", "heads"}, 2,
        "--output is required");
    row("one answer", with("1,2", "1,3", "7", "heads"), 2, "1 token id is given, expected two: 17,42");
    row("three answers", with("1,2", "1,3", "7,8,9", "heads"), 2, "3 token ids are given, expected two");
    row("an unknown place", with("1,2", "1,3", "7,8", "layers"), 2, "--at");
    row("no ids", with("1,x", "1,3", "7,8", "heads"), 2, "\"x\" in a token list");
    row("other lengths", with("1,2,3", "1,2", "7,8", "residual"), 1,
        "The clean text has 3 tokens and the corrupt one 2, expected as many");
    row("a foreign token", with("1,2", "1,4096", "7,8", "heads"), 1, "4096");
    row("a foreign answer", with("1,2", "1,3", "7,4096", "heads"), 1, "4096");
    row("beyond the context", with("1,2", "1,3", "7,8", "heads") + QStringList{"--context", "1"}, 1,
        "2 tokens, the context holds 1");
    row("on a device", QStringList{"--device", "0"} + with("1,2", "1,3", "7,8", "heads"), 1, "--device");
  }
  void wrongUse() {
    checkRefusal();
    QVERIFY(!QFile::exists(file("x.npy")));
  }
};

QTEST_GUILESS_MAIN(TestPatch)
#include "tst_patch.moc"
