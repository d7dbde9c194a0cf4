#include <QDir>
#include <QFile>
#include <QImage>
#include <QJsonArray>
#include <QTemporaryDir>
#include <QTest>
#include <QXmlStreamReader>

#include "core/formats/npy.h"
#include "tests/app_cli/command_line.h"

using namespace headroom;
using tests::checkpoint;
using tests::kTiny;
using tests::Outcome;
using tests::run;

/// What `export` writes, from which decode, and what it refuses.
class TstExportCommand : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QString file(const QString& name) const { return m_folder.filePath(name); }

  QByteArray contents(const QString& name) const {
    QFile in(file(name));
    return in.open(QIODevice::ReadOnly) ? in.readAll() : QByteArray();
  }
  QStringList lines(const QString& name) const {
    return QString::fromUtf8(contents(name)).split('\n', Qt::SkipEmptyParts);
  }
  QStringList arguments(const QString& what, const QString& output, const QStringList& further = {}) const {
    return QStringList{"export",       what, checkpoint(kTiny), "--tokens",  "1,5,9",
                       "--max-tokens", "4",  "--output",        file(output)} +
           further;
  }

 private slots:
  void everyFigureInEveryForm_data() {
    QTest::addColumn<QString>("what");
    QTest::addColumn<QString>("ending");
    for (const char* what : {"map", "growth", "traffic", "stages", "roofline", "geometry"}) {
      for (const char* ending : {"png", "svg", "pdf", "csv"}) {
        QTest::addRow("%s as %s", what, ending) << what << ending;
      }
    }
  }
  /// Without a display.
  void everyFigureInEveryForm() {
    QFETCH(QString, what);
    QFETCH(QString, ending);
    const QString name = what + "." + ending;
    const Outcome outcome = tests::shell(
        "unset DISPLAY WAYLAND_DISPLAY QT_QPA_PLATFORM; $CLI export $WHAT $MODEL --tokens 1,5,9 --max-tokens "
        "4 "
        "--output $FILE",
        {{"WHAT", what}, {"MODEL", checkpoint(kTiny)}, {"FILE", file(name)}});
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    QCOMPARE(outcome.errors, QByteArray());
    QCOMPARE(outcome.output.count('\n'), 1);
    const QByteArray bytes = contents(name);
    if (ending == "png") QVERIFY(QImage::fromData(bytes).width() == 1920);
    if (ending == "pdf") QVERIFY(bytes.startsWith("%PDF-") && bytes.trimmed().endsWith("%%EOF"));
    if (ending == "svg") {
      QXmlStreamReader reader(bytes);
      QString text;
      while (!reader.atEnd()) {
        if (reader.readNext() == QXmlStreamReader::StartElement && reader.name() == u"text") {
          text += reader.readElementText() + ' ';
        }
      }
      QVERIFY2(!reader.hasError(), qPrintable(reader.errorString()));
      for (const char* part : {"llvmpipe", "8 Q", "1 KV", "batch 1", "f32 cache", "shared kernel"}) {
        QVERIFY2(text.contains(part), qPrintable(QString(part) + " in " + text));
      }
    }
    // A line of names and of numbers.
    if (ending == "csv") QVERIFY(lines(name).size() > 2);
  }

  /// What `decode --json` says of the same run: bytes are counted, so they are the same.
  void tablesAreOfTheSameDecode() {
    const Outcome decoded = run({"decode", checkpoint(kTiny), "--tokens", "1,5,9", "--max-tokens", "4",
                                 "--kv-type", "f16", "--batch", "2", "--attention", "naive", "--json"});
    QVERIFY2(decoded.exitCode == 0, decoded.errors.constData());
    const QJsonObject lane = decoded.json()["lanes"][0].toObject();
    const QStringList options{"--kv-type", "f16", "--batch", "2", "--attention", "naive"};
    QCOMPARE(run(arguments("growth", "growth.csv", options)).exitCode, 0);
    QCOMPARE(run(arguments("traffic", "traffic.csv", options)).exitCode, 0);
    const QStringList growth = lines("growth.csv");
    const QString used = QString::number(lane["kv_cache"]["bytes_used"].toInteger());
    QVERIFY2(growth.filter(",counted").last().contains("," + used + ","), qPrintable(growth.join('\n')));
    const QJsonArray steps = lane["steps"].toArray();
    const QStringList traffic = lines("traffic.csv").mid(1);
    QVERIFY(steps.size() > 1);
    QCOMPARE(traffic.size(), steps.size());
    for (qsizetype step = 0; step < steps.size(); ++step) {
      qint64 bytes = 0;
      for (const QJsonValue& stage : steps[step]["stages"].toArray()) bytes += stage["bytes"].toInteger();
      QVERIFY2(traffic[step].endsWith(
                   QString(",%1,%2,counted").arg(steps[step]["position"].toInteger()).arg(bytes)),
               qPrintable(traffic[step]));
    }
  }

  /// The rows that `attention` computes of the same tokens.
  void rowsOfAMapAreTheAttention() {
    const QStringList head{"--layer", "2", "--head", "5"};
    const QStringList tokens{"--tokens", "1,5,9,7"};
    const Outcome outcome = run(
        QStringList{"export", "map", checkpoint(kTiny), "--max-tokens", "0", "--output", file("rows.npy")} +
        head + tokens);
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    QCOMPARE(run(QStringList{"attention", checkpoint(kTiny), "--backend", "reference", "--output",
                             file("truth.npy")} +
                 head + tokens)
                 .exitCode,
             0);
    const formats::NpyArray rows = formats::readNpy(file("rows.npy").toStdString());
    const formats::NpyArray truth = formats::readNpy(file("truth.npy").toStdString());
    QCOMPARE(rows.shape, (std::vector<std::int64_t>{4, 4}));
    QCOMPARE(rows.shape, truth.shape);
    for (std::size_t index = 0; index < rows.values.size(); ++index) {
      QVERIFY(std::abs(rows.values[index] - truth.values[index]) < tests::kReferenceF32CacheLimit);
    }
    QCOMPARE(run(QStringList{"export", "map", checkpoint(kTiny), "--max-tokens", "0", "--output",
                             file("map.csv")} +
                 head + tokens)
                 .exitCode,
             0);
    const QStringList table = lines("map.csv").mid(1);
    QCOMPARE(table.size(), 1 + 2 + 3 + 4);
    const QStringList last = table.last().split(',');
    QCOMPARE(last[3] + last[4], QString("33"));
    QVERIFY(std::abs(last[5].toDouble() - rows.values.back()) < 1e-6);
  }

  void widthAndPixelRatio() {
    QCOMPARE(run(arguments("growth", "wide.png", {"--width", "1000", "--pixel-ratio", "1"})).exitCode, 0);
    QCOMPARE(QImage(file("wide.png")).width(), 1000);
  }

  void refusals_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<int>("exitCode");
    QTest::addColumn<QString>("sentence");
    const auto row = [&](const char* name, const QStringList& given, int code, const char* sentence) {
      QTest::newRow(name) << given << code << sentence;
    };
    row("ending", arguments("growth", "a.gif"), 2,
        "ends in .gif, expected .png, .svg, .pdf, .csv or, for rows of a map, .npy");
    row("no ending", arguments("map", "figure"), 2, "has no ending, expected .png");
    row("NPY of a chart", arguments("traffic", "a.npy"), 2, "NPY holds the rows of a map");
    row("in capitals", arguments("traffic", "a.NPY"), 2, "NPY holds the rows of a map");
    row("no such figure", arguments("pie", "a.png"), 2, "pie");
    row("layer", arguments("map", "a.png", {"--layer", "3"}), 2, "there is no layer 3, expected 0 to 2");
    row("head", arguments("map", "a.svg", {"--head", "8"}), 2, "there is no query head 8, expected 0 to 7");
    row("a layer of a chart", arguments("growth", "a.png", {"--layer", "0"}), 2,
        "is of map or pairs, not of growth");
    row("scale", arguments("map", "a.png", {"--scale", "cubic"}), 2, "cubic");
    row("width", arguments("map", "a.png", {"--width", "10"}), 2, "800 to 4096");
    row("folder", arguments("growth", "none/a.png"), 1, "No such file or directory");
    row("two maps",
        {"export", "map", checkpoint(kTiny), checkpoint(kTiny), "--tokens", "1", "--output", file("a.png")},
        2, "a map is of one model, 2 are given");
    row("no output", {"export", "map", checkpoint(kTiny), "--tokens", "1"}, 2, "--output");
    row("no tokens", {"export", "growth", checkpoint(kTiny), "--output", file("a.png")}, 2,
        "no tokens to feed");
    row("no decode step",
        {"export", "stages", checkpoint(kTiny), "--tokens", "1,5", "--max-tokens", "0", "--output",
         file("a.png")},
        1, "has made no decode step yet, expected at least one");
    row("nobody counts", arguments("roofline", "a.png", {"--backend", "reference"}), 1,
        "issued bytes were counted");
  }
  void refusals() {
    QFETCH(QStringList, arguments);
    QFETCH(int, exitCode);
    QFETCH(QString, sentence);
    const Outcome outcome = run(arguments);
    QVERIFY2(QString::fromUtf8(outcome.errors).contains(sentence), outcome.errors.constData());
    QCOMPARE(outcome.exitCode, exitCode);
    QCOMPARE(outcome.errors.count('\n'), 1);
    QCOMPARE(outcome.output, QByteArray());
    const QStringList left = QDir(m_folder.path()).entryList({"a.*", "figure*", "*part*"}, QDir::Files);
    QVERIFY2(left.isEmpty(), qPrintable(left.join(' ')));
  }

  void anOldFileStaysWhereTheNewOneFails() {
    QFile old(file("old.png"));
    QVERIFY(old.open(QIODevice::WriteOnly) && old.write("old") == 3);
    old.close();
    QCOMPARE(run(arguments("roofline", "old.png", {"--backend", "reference"})).exitCode, 1);
    QCOMPARE(contents("old.png"), QByteArray("old"));
  }
};

QTEST_GUILESS_MAIN(TstExportCommand)
#include "tst_export_command.moc"
