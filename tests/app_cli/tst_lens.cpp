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

  /// What all parts add is the logit that another command computes; of a difference each part is that of one
  /// token less that of the other. CSV and table have the document's numbers.
  void attribution_data() {
    QTest::addColumn<QString>("model");
    QTest::addColumn<int>("groupSize");
    QTest::newRow("MHA") << "mha" << 1;
    QTest::newRow("GQA") << "gqa" << 4;
    QTest::newRow("MQA") << "mqa" << 8;
  }
  void attribution() {
    QFETCH(QString, model);
    QFETCH(int, groupSize);
    const QStringList text{model, "--tokens", "300,1000,2000,4000,17"};
    QCOMPARE(
        run(QStringList{"logits"} + text + QStringList{"--prefill", "--output", file("logits.npy")}).exitCode,
        0);
    const formats::NpyArray logits = formats::readNpy(file("logits.npy").toStdString());
    const auto attributed = [&](const QString& ids, const QStringList& more = {}) {
      const Outcome outcome =
          run(QStringList{"--json", "lens"} + text + QStringList{"--attribute", ids} + more);
      return outcome.exitCode == 0 ? outcome.json() : QJsonObject();
    };
    const auto parts = [](const QJsonObject& document) {
      std::vector<double> all{document["embedding"].toDouble()};
      const QJsonArray heads = document["heads"].toArray();
      const auto layers = static_cast<int>(document["mlp"].toArray().size());
      const auto perLayer = static_cast<int>(heads.size()) / layers;
      for (int layer = 0; layer < layers; ++layer) {
        for (int head = 0; head < perLayer; ++head)
          all.push_back(heads[layer * perLayer + head]["contribution"].toDouble());
        all.push_back(document["attention_bias"][layer].toDouble());
        all.push_back(document["mlp"][layer].toDouble());
      }
      all.push_back(document["output_bias"].toDouble());
      return all;
    };
    for (const int position : {4, 2}) {
      const QStringList at = position == 4 ? QStringList() : QStringList{"--position", "2"};
      const auto said = [&](std::size_t token) {
        return logits.values[static_cast<std::size_t>(position) * 4096 + token];
      };
      const QJsonObject one = attributed("457", at), other = attributed("600", at);
      const QJsonObject difference = attributed("457,600", at);
      QCOMPARE(one["position"].toInt(), position);
      QCOMPARE(one["attributed"]["piece"].toString(), QString(" time"));
      QVERIFY(one["less"].isNull() && one["soft_cap"].isNull());
      QCOMPARE(difference["less"]["token"].toInt(), 600);
      const std::vector<double> ofOne = parts(one), ofOther = parts(other), ofBoth = parts(difference);
      QCOMPARE(ofOne.size(), 1u + 6 * (8 + 2) + 1);
      double sum = 0.0;
      for (std::size_t part = 0; part < ofOne.size(); ++part) {
        sum += ofOne[part];
        QVERIFY(std::abs(ofBoth[part] - (ofOne[part] - ofOther[part])) <= 1e-5);
      }
      QVERIFY(std::abs(sum - said(457)) <= 1e-4);
      QVERIFY(std::abs(one["logit"].toDouble() - said(457)) <= 1e-4);
      QVERIFY(std::abs(difference["logit"].toDouble() - (said(457) - said(600))) <= 1e-4);

      const Outcome csv = run(QStringList{"lens"} + text + QStringList{"--attribute", "457", "--csv"} + at);
      const QStringList lines = QString::fromUtf8(csv.output).split('\n', Qt::SkipEmptyParts);
      QCOMPARE(lines.size(), 1 + std::ssize(ofOne));
      QCOMPARE(lines.front(), QString("part,layer,head,kv_head,contribution"));
      for (std::size_t part = 0; part < ofOne.size(); ++part)
        QCOMPARE(lines[1 + static_cast<int>(part)].section(',', -1).toDouble(), ofOne[part]);
      QVERIFY(lines[1 + 1 + 5].startsWith(QString("head,0,5,%1,").arg(5 / groupSize)));
      QVERIFY(lines[10].startsWith("attention_bias,0,,,") && lines[11].startsWith("mlp,0,,,"));

      const Outcome table = run(QStringList{"lens"} + text + QStringList{"--attribute", "457"} + at);
      const QStringList shown =
          QString::fromUtf8(table.output)
              .split('\n')
              .filter(QRegularExpression("^(embedding|head|mlp|attention bias|output bias) "));
      QCOMPARE(shown.size(), 1 + 6 * (8 + 1));  // these models have no biases
      for (int row = 1; row < shown.size(); ++row) {
        const auto size = [&](int index) { return std::abs(shown[index].section(' ', -1).toDouble()); };
        QVERIFY(size(row) <= size(row - 1));
      }
      QVERIFY(table.output.contains(QString("the logit of ·time (id 457) is %1%2")
                                        .arg(one["logit"].toDouble() < 0 ? "" : "+")
                                        .arg(one["logit"].toDouble(), 0, 'f', 4)
                                        .toUtf8()));
    }
  }

  /// A logit with a soft cap is attributed before it; tokens without pieces have numbers.
  void attributionBeforeTheSoftCap() {
    const std::string path = fixturePath("checkpoints2/gemma2-GQA");
    const formats::NpyArray logits = formats::readNpy(path + "/logits.npy");
    const std::vector<int> tokens = readIds(readText(path + "/tokens.txt"));
    QStringList ids;
    for (std::size_t index = 0; index < 12; ++index) ids << QString::number(tokens[index]);
    const QStringList arguments{
        "lens", QString::fromStdString(path), "--tokens", ids.join(','), "--attribute", "3"};
    const QJsonObject document = run(QStringList{"--json"} + arguments).json();
    const double cap = document["soft_cap"].toDouble();
    QVERIFY(cap > 0.0);
    QVERIFY(document["attributed"]["piece"].isNull());
    const double said = logits.values[11 * static_cast<std::size_t>(logits.shape[1]) + 3];
    QVERIFY(std::abs(cap * std::tanh(document["logit"].toDouble() / cap) - said) <= 1e-4);
    const Outcome table = run(arguments);
    QVERIFY(table.output.contains(
        QString("the logit of #3 (id 3), before the soft cap of %1, is").arg(cap).toUtf8()));
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
    row("no id", {"--tokens", "1", "--attribute", "time"}, 2, "time");
    row("three ids", {"--tokens", "1", "--attribute", "1,2,3"}, 2, "has 3 ids, expected one, or two");
    row("an id less itself", {"--tokens", "1", "--attribute", "7,7"}, 2, "has 7 twice");
    row("a foreign id", {"--tokens", "1", "--attribute", "4096"}, 1, "4096");
    row("an attribution to a file", {"--tokens", "1", "--attribute", "1", "--output", file("x.npy")}, 2,
        "excludes");
    row("an attribution of the most likely", {"--tokens", "1", "--attribute", "1", "--top", "3"}, 2,
        "excludes");
    row("an attribution behind the last", {"--tokens", "1", "--attribute", "1", "--position", "1"}, 2,
        "there is no position 1, expected 0 to 0");
    row("a table of tokens", {"--tokens", "1", "--csv"}, 2, "--csv requires --attribute");
    row("as two formats", {"--json", "--tokens", "1", "--attribute", "1", "--csv"}, 2, "excludes --json");
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
