#include <QJsonArray>
#include <QTest>
#include <algorithm>
#include <cmath>

#include "core/formats/npy.h"
#include "tests/app_cli/command_line.h"

using namespace headroom;
using namespace headroom::tests;

/// headroom-cli lens.
class TestLens : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QString file(const char* name) const { return m_folder.filePath(name); }

 private slots:
  /// The file's shape, its last layer as another command computes it on the device, and the document's tokens
  /// and probabilities from the file.
  void fileAndDocument_data() {
    QTest::addColumn<QString>("model");
    QTest::newRow("MHA") << "mha";
    QTest::newRow("GQA") << "gqa";
    QTest::newRow("MQA") << "mqa";
  }
  void fileAndDocument() {
    QFETCH(QString, model);
    const QStringList text{model, "--tokens", "300,1000,2000,4000,17"};
    const Outcome written =
        run(QStringList{"--json", "lens"} + text + QStringList{"--output", file("lens.npy")});
    QVERIFY2(written.exitCode == 0, written.errors.constData());
    QCOMPARE(
        run(QStringList{"logits"} + text + QStringList{"--prefill", "--output", file("logits.npy")}).exitCode,
        0);
    const formats::NpyArray lens = formats::readNpy(file("lens.npy").toStdString());
    const formats::NpyArray logits = formats::readNpy(file("logits.npy").toStdString());
    QVERIFY(lens.shape == (std::vector<std::int64_t>{7, 5, 4096}));
    QCOMPARE(written.json()["shape"][1].toInt(), 5);
    const auto last = std::span<const double>(lens.values).subspan(6 * 5 * 4096);
    QVERIFY(relativeError(last, std::span<const double>(logits.values)) <= kF32LogitsLimit);

    for (const int position : {4, 1}) {
      QStringList command = QStringList{"--json", "lens"} + text + QStringList{"--top", "3"};
      if (position != 4) command << "--position" << QString::number(position);
      const Outcome outcome = run(command);
      QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
      const QJsonObject document = outcome.json();
      QCOMPARE(document["position"].toInt(), position);
      QCOMPARE(document["layers"].toArray().size(), 7);
      for (int layer = 0; layer < 7; ++layer) {
        const QJsonObject row = document["layers"][layer].toObject();
        QCOMPARE(row["layer"].toInt(), layer);
        QCOMPARE(row["top"].toArray().size(), 3);
        const auto values = std::span<const double>(lens.values)
                                .subspan(static_cast<std::size_t>(layer * 5 + position) * 4096, 4096);
        double sum = 0.0, entropy = 0.0;
        for (const double logit : values) sum += std::exp(logit);
        for (const double logit : values) entropy -= std::exp(logit) / sum * (logit - std::log(sum));
        QVERIFY(std::abs(row["entropy"].toDouble() - entropy) <= 1e-4);
        for (int rank = 0; rank < 3; ++rank) {
          const QJsonValue top = row["top"].toArray()[rank];
          const double logit = values[static_cast<std::size_t>(top["token"].toInt())];
          QCOMPARE(std::ranges::count_if(values, [&](double other) { return other > logit; }), rank);
          QVERIFY(std::abs(top["probability"].toDouble() - std::exp(logit) / sum) <= 1e-5);
          const QString id = QString::number(top["token"].toInt());
          QCOMPARE(top["piece"].toString(),
                   run({"--json", "tokenize", model, "--ids", id}).json()["text"].toString());
        }
      }
    }
  }

  void table() {
    const Outcome outcome = run({"lens", "gqa", "--prompt", "Once upon a"});
    QCOMPARE(outcome.exitCode, 0);
    const QString text = QString::fromUtf8(outcome.output);
    QVERIFY(text.contains("read off in float64"));
    QVERIFY2(text.contains(QRegularExpression("\n  end +[0-9.]+  ·time 0\\.9")),
             qPrintable(text));  // upon a time
    QCOMPARE(text.split('\n').filter(QRegularExpression("^ +([0-5]|end) ")).size(), 7);
  }

  void wrongUse_data() {
    addRefusalColumns();
    const auto row = [](const char* what, const QStringList& arguments, int code, const char* sentence) {
      QTest::newRow(what) << QStringList{"lens", "mqa"} + arguments << code << QString(sentence);
    };
    row("without a text", {}, 2, "no tokens to feed");
    row("a position behind the last", {"--tokens", "1,2,3", "--position", "3"}, 2,
        "there is no position 3, expected 0 to 2");
    row("a negative position", {"--tokens", "1,2,3", "--position", "-1"}, 2, "--position");
    row("a position of a file", {"--tokens", "1", "--position", "0", "--output", file("x.npy")}, 2,
        "excludes");
    row("no tokens to show", {"--tokens", "1", "--top", "0"}, 2, "--top");
    row("a foreign token", {"--tokens", "4096", "--output", file("x.npy")}, 1, "4096");
    row("beyond the context", {"--tokens", "1,2,3", "--context", "2"}, 1,
        "The text has 3 tokens, the context holds 2 positions");
    row("into no folder", {"--tokens", "1,2", "--output", "/no/such/x.npy"}, 1,
        "Cannot write /no/such/x.npy");
    row("a document over an array", {"--json", "--tokens", "1,2", "--output", "/dev/stdout"}, 2,
        "leads to standard output");
  }
  void wrongUse() {
    checkRefusal();
    QVERIFY(!QFile::exists(file("x.npy")));
  }
};

QTEST_GUILESS_MAIN(TestLens)
#include "tst_lens.moc"
