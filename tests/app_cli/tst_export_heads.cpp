#include <QFile>
#include <QImage>
#include <QJsonArray>
#include <QTemporaryDir>
#include <QTest>
#include <QXmlStreamReader>
#include <cmath>

#include "tests/app_cli/command_line.h"

using namespace headroom;
using tests::checkpoint;
using tests::kTiny;
using tests::Outcome;
using tests::run;

namespace {

const QString kTokens = "1,5,9,5,7,1,5";
const QStringList kShort{"--induction-length", "6"};
/// Sums in another order.
constexpr double kLimit = 1e-6;

/// The document of `heads` on the same text.
QJsonObject headsDocument(const QString& model) {
  return run(QStringList{"--json", "heads", model, "--tokens", kTokens} + kShort).json();
}

}  // namespace

/// `export` of what heads do: the figures of `heads`.
class TstExportHeads : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QString file(const QString& name) const { return m_folder.filePath(name); }

  QByteArray contents(const QString& name) const {
    QFile in(file(name));
    return in.open(QIODevice::ReadOnly) ? in.readAll() : QByteArray();
  }
  /// The rows of a table as cells; the first are its columns.
  QList<QStringList> rows(const QString& name) const {
    QList<QStringList> rows;
    for (const QString& line : QString::fromUtf8(contents(name)).split('\n', Qt::SkipEmptyParts))
      rows << line.split(',');
    return rows;
  }
  QStringList arguments(const QString& what, const QString& output, const QStringList& further = {}) const {
    return QStringList{"export", what, checkpoint(kTiny), "--tokens", kTokens, "--output", file(output)} +
           kShort + further;
  }

 private slots:
  void everyFigureInEveryForm_data() {
    QTest::addColumn<QString>("what");
    QTest::addColumn<QStringList>("options");
    QTest::addColumn<QString>("says");
    QTest::newRow("ranks") << "ranks" << QStringList{} << "effective rank";
    QTest::newRow("ranks of weights") << "ranks" << QStringList{"--of", "weights"} << "W_K";
    QTest::newRow("heads") << "heads" << QStringList{} << "Induction";
    QTest::newRow("heads by another column") << "heads" << QStringList{"--column", "entropy"} << "Entropy";
    QTest::newRow("pairs") << "pairs" << QStringList{} << "divergence";
    QTest::newRow("pairs of outputs")
        << "pairs" << QStringList{"--of", "outputs", "--layer", "1"} << "cosine";
  }
  /// Without a display.
  void everyFigureInEveryForm() {
    QFETCH(QString, what);
    QFETCH(QStringList, options);
    QFETCH(QString, says);
    for (const char* ending : {"png", "svg", "pdf", "csv"}) {
      const QString name = QString("%1.%2").arg(what, ending);
      const Outcome outcome = tests::shell(
          "unset DISPLAY WAYLAND_DISPLAY QT_QPA_PLATFORM; $CLI export $WHAT $MODEL --tokens $TOKENS "
          "--induction-length 6 --output $FILE " +
              options.join(' '),
          {{"WHAT", what}, {"MODEL", checkpoint(kTiny)}, {"TOKENS", kTokens}, {"FILE", file(name)}});
      QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
      QCOMPARE(outcome.errors, QByteArray());
      QCOMPARE(outcome.output.count('\n'), 1);
      const QByteArray bytes = contents(name);
      if (name.endsWith("png")) QCOMPARE(QImage::fromData(bytes).width(), 1920);
      if (name.endsWith("pdf")) QVERIFY(bytes.startsWith("%PDF-") && bytes.trimmed().endsWith("%%EOF"));
      if (name.endsWith("svg")) {
        QXmlStreamReader reader(bytes);
        QString text;
        while (!reader.atEnd()) {
          if (reader.readNext() == QXmlStreamReader::StartElement && reader.name() == u"text")
            text += reader.readElementText() + ' ';
        }
        QVERIFY2(!reader.hasError(), qPrintable(reader.errorString()));
        for (const QString& part : {says, QString("Headroom "), QString("computed")})
          QVERIFY2(text.contains(part), qPrintable(part + " in " + text));
        if (what != "ranks") QVERIFY2(text.contains("positions of the given tokens"), qPrintable(text));
      }
      if (name.endsWith("csv")) QVERIFY(rows(name).size() > 2);
    }
  }

  /// Every number of the tables is that of `heads --json` on the same text.
  void scoresAreThoseOfHeads() {
    const QJsonObject document = headsDocument(checkpoint(kTiny));
    const QJsonArray heads = document["heads"].toArray();
    QVERIFY(heads.size() > 8);
    for (const QString& column : {QString("prefix_matching"), QString("write_share"), QString("induction")}) {
      QCOMPARE(run(arguments("heads", "scores.csv", {"--column", column})).exitCode, 0);
      const QList<QStringList> table = rows("scores.csv");
      QCOMPARE(table.size(), 1 + heads.size());
      const auto at = table[0].indexOf(column);
      QVERIFY(at > 0);
      for (qsizetype row = 0; row < heads.size(); ++row) {
        const QStringList& cells = table[row + 1];
        QCOMPARE(cells[2].toInt(), heads[row]["layer"].toInt());
        QCOMPARE(cells[3].toInt(), heads[row]["head"].toInt());
        QCOMPARE(cells[4].toInt(), heads[row]["kv_head"].toInt());
        QVERIFY2(std::abs(cells[at].toDouble() - heads[row][column].toDouble()) < kLimit,
                 qPrintable(cells.join(',')));
      }
    }
  }

  void pairsAreThoseOfHeads_data() {
    QTest::addColumn<QString>("of");
    QTest::addColumn<QString>("key");
    QTest::newRow("attention") << "attention"
                               << "divergence";
    QTest::newRow("outputs") << "outputs"
                             << "output_cosine";
  }
  void pairsAreThoseOfHeads() {
    QFETCH(QString, of);
    QFETCH(QString, key);
    const QJsonArray layers = headsDocument(checkpoint(kTiny))[key].toObject()["layers"].toArray();
    const int heads = static_cast<int>(std::lround(std::sqrt(layers[0].toArray().size())));
    QCOMPARE(run(arguments("pairs", "all.csv", {"--of", of})).exitCode, 0);
    const QList<QStringList> table = rows("all.csv");
    QCOMPARE(table.size(), 1 + layers.size() * heads * (heads - 1) / 2);
    const auto at = table[0].indexOf(key);
    QVERIFY(at > 0);
    for (const QStringList& cells : table.mid(1)) {
      const QJsonValue value = layers[cells[2].toInt()][cells[3].toInt() * heads + cells[4].toInt()];
      QVERIFY2(std::abs(cells[at].toDouble() - value.toDouble()) < kLimit, qPrintable(cells.join(',')));
    }
    QCOMPARE(run(arguments("pairs", "one.csv", {"--of", of, "--layer", "2"})).exitCode, 0);
    const QList<QStringList> one = rows("one.csv");
    QCOMPARE(one.size(), 1 + heads * (heads - 1) / 2);
    for (const QStringList& cells : one.mid(1)) QCOMPARE(cells[2], QString("2"));
  }

  void ranksAreThoseOfHeads() {
    const QJsonArray subspaces = headsDocument(checkpoint(kTiny))["subspaces"].toArray();
    QVERIFY(!subspaces.isEmpty());
    for (const bool isWeights : {false, true}) {
      QCOMPARE(run(arguments("ranks", "ranks.csv", {"--of", isWeights ? "weights" : "cache"})).exitCode, 0);
      const QList<QStringList> table = rows("ranks.csv");
      QCOMPARE(table.size(), 1 + 2 * subspaces.size());
      for (const QStringList& cells : table.mid(1)) {
        const QString key = cells[3] == "W_K"    ? "key_weights"
                            : cells[3] == "W_V"  ? "value_weights"
                            : cells[3] == "keys" ? "cached_keys"
                                                 : "cached_values";
        const QJsonValue of = subspaces[cells[2].toInt()][key];
        QVERIFY2(of.isObject(), qPrintable(key));
        QVERIFY2(std::abs(cells[5].toDouble() - of["effective_rank"].toDouble()) < 1e-4,
                 qPrintable(cells.join(',')));
      }
    }
  }

  void whichModelsWereRead() {
    const Outcome outcome = run(QStringList{"--json", "export", "heads", checkpoint(kTiny), checkpoint(kTiny),
                                            "--tokens", kTokens, "--output", file("two.csv")} +
                                kShort);
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const QJsonArray lanes = outcome.json()["lanes"].toArray();
    QCOMPARE(lanes.size(), 2);
    QCOMPARE(lanes[1]["positions"].toInt(), 7);
    QCOMPARE(outcome.json()["what"].toString(), QString("heads"));
  }

  void refusals_data() {
    tests::addRefusalColumns();
    const auto row = [&](const char* name, const QStringList& arguments, int code, const char* sentence) {
      QTest::newRow(name) << arguments << code << sentence;
    };
    row("of what ranks have not", arguments("ranks", "a.png", {"--of", "attention"}), 2,
        "ranks has no attention, expected cache, weights");
    row("of what pairs have not", arguments("pairs", "a.png", {"--of", "weights"}), 2,
        "pairs has no weights, expected attention, outputs, keys, values");
    row("of a map", arguments("map", "a.png", {"--of", "keys"}), 2, "is of pairs or ranks, not of map");
    row("column", arguments("heads", "a.png", {"--column", "beauty"}), 2, "beauty");
    row("column of pairs", arguments("pairs", "a.png", {"--column", "entropy"}), 2,
        "is of heads, not of pairs");
    row("layer of heads", arguments("heads", "a.png", {"--layer", "1"}), 2,
        "is of map or pairs, not of heads");
    row("no such layer", arguments("pairs", "a.png", {"--layer", "9"}), 2,
        "there is no layer 9, expected 0 to 2");
    row("a decode", arguments("heads", "a.png", {"--max-tokens", "4"}), 2,
        "is of a decode, heads reads the text only");
    row("rows", arguments("pairs", "a.npy"), 2, "NPY holds the rows of a map");
    row("one KV head", arguments("pairs", "a.png", {"--of", "keys"}), 1, "A layer has one KV head");
    row("no text", {"export", "heads", checkpoint(kTiny), "--output", file("a.png")}, 2, "no tokens to feed");
    row("context",
        {"export", "heads", checkpoint(kTiny), "--tokens", "1,2", "--induction-length", "300", "--output",
         file("a.png")},
        1, "the context holds");
  }
  void refusals() {
    tests::checkRefusal();
    QVERIFY(!QFile::exists(file("a.png")));
  }
};

QTEST_GUILESS_MAIN(TstExportHeads)
#include "tst_export_heads.moc"
