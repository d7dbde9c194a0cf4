#include <QJsonArray>
#include <QTest>
#include <csignal>

#include "core/formats/trace/trace_file.h"
#include "tests/app_cli/command_line.h"

using namespace headroom;
using tests::checkpoint;
using tests::kTiny;
using tests::Outcome;

/// Ctrl-C keeps what is done.
class TstInterrupts : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QString file(const QString& name) const { return m_folder.filePath(name); }

  /// Runs for `waitMs`, then sends `signal`.
  static Outcome interrupt(const QStringList& arguments, int waitMs, int signal = SIGINT) {
    QProcess process;
    process.start(tests::cli(), arguments);
    if (!process.waitForStarted()) return {};
    process.waitForFinished(waitMs);
    if (process.state() == QProcess::Running) ::kill(static_cast<pid_t>(process.processId()), signal);
    return tests::finish(process);
  }

  /// The same, later and later until `isFarEnough`: how long a start takes depends on what else runs here.
  template <typename Enough>
  static Outcome interruptLateEnough(const QStringList& arguments, const Enough& isFarEnough,
                                     int firstWaitMs = 500) {
    Outcome outcome;
    for (int waitMs = firstWaitMs; waitMs <= 16000; waitMs *= 2) {
      outcome = interrupt(arguments, waitMs);
      if (isFarEnough(outcome)) return outcome;
    }
    return outcome;
  }

  static constexpr const char* kShape = "layers=2,query_heads=4,kv_heads=4/2,head_dim=8,ffn=32,vocab=64";

 private slots:
  void initTestCase() { qputenv("XDG_CACHE_HOME", m_folder.path().toUtf8()); }

  void decodePrintsWhatItHas() {
    const Outcome outcome = interruptLateEnough(
        {"decode", checkpoint(kTiny), "--tokens", "5", "--max-tokens", "99999", "--context", "100000"},
        [](const Outcome& o) { return o.output.contains("tokens/s"); });
    QCOMPARE(outcome.exitCode, 1);
    QVERIFY2(outcome.output.contains("stopped at interrupted"), outcome.output.constData());
    QVERIFY2(outcome.errors.contains("Interrupted after"), outcome.errors.constData());
    QVERIFY2(outcome.errors.contains("of 99999 tokens"), outcome.errors.constData());
    QCOMPARE(outcome.errors.count('\n'), 1);
  }

  void decodeClosesItsDocument() {
    const auto tokensOf = [](const Outcome& o) { return o.json()["lanes"][0]["tokens"].toArray(); };
    const Outcome outcome = interruptLateEnough({"decode", checkpoint(kTiny), "--tokens", "5", "--max-tokens",
                                                 "99999", "--context", "100000", "--json"},
                                                [&](const Outcome& o) { return !tokensOf(o).isEmpty(); });
    QCOMPARE(outcome.exitCode, 1);
    const QJsonArray tokens = tokensOf(outcome);
    QVERIFY(!tokens.isEmpty());
    QCOMPARE(outcome.json()["lanes"][0]["steps"].toArray().size(), tokens.size());
    QCOMPARE(outcome.json()["lanes"][0]["stop_reason"].toString(), QString("interrupted"));
    QVERIFY(outcome.json()["error"].toString().contains(QString("after %1 of").arg(tokens.size())));
  }

  void theTraceOfWhatWasDecodedStays_data() {
    QTest::addColumn<int>("signal");
    QTest::newRow("SIGINT") << SIGINT;
    QTest::newRow("SIGTERM") << SIGTERM;
  }
  void theTraceOfWhatWasDecodedStays() {
    QFETCH(int, signal);
    Outcome outcome;
    QJsonArray tokens;
    for (int waitMs = 500; waitMs <= 16000 && tokens.isEmpty(); waitMs *= 2) {
      outcome = interrupt(
          {"decode", checkpoint(kTiny), "--tokens", "5", "--max-tokens", "20000", "--context", "20001",
           "--trace", file("cut.safetensors"), "--trace-layers", "0", "--trace-rows", ":200", "--json"},
          waitMs, signal);
      tokens = outcome.json()["lanes"][0]["tokens"].toArray();
    }
    QCOMPARE(outcome.exitCode, 1);
    QVERIFY(!tokens.isEmpty() && tokens.size() < 20000);
    const model::Trace trace = formats::readTrace(file("cut.safetensors").toStdString());
    QCOMPARE(std::ssize(trace.tokens), tokens.size() + 1);
    for (qsizetype i = 0; i < tokens.size(); ++i) {
      QCOMPARE(trace.tokens[static_cast<std::size_t>(i + 1)], tokens[i].toInt());
    }
    QCOMPARE(trace.recorded.rowCount, std::min<int>(200, static_cast<int>(trace.tokens.size())));
    QCOMPARE(QDir(m_folder.path())
                 .entryList({"*part-*", ".headroom-scratch*"}, QDir::AllEntries | QDir::Hidden)
                 .size(),
             0);
  }

  /// Half a map is none: nothing is written, and nothing half done left.
  void arraysAreWrittenWholeOrNotAtAll_data() {
    QTest::addColumn<QStringList>("command");
    QTest::newRow("attention") << QStringList{"attention", "--rows", "8000:8010"};
    QTest::newRow("logits") << QStringList{"logits"};
    QTest::newRow("ablate") << QStringList{"ablate"};
  }
  void arraysAreWrittenWholeOrNotAtAll() {
    QFETCH(QStringList, command);
    QStringList ids;
    for (int i = 0; i < 9000; ++i) ids << QString::number(i % 380 + 1);
    command.insert(1, checkpoint(kTiny));
    command << "--context"
            << "9000"
            << "--output" << file("half.npy") << "--tokens" << ids.join(",");
    const Outcome outcome =
        interruptLateEnough(command, [](const Outcome& o) { return o.errors.contains("Interrupted after"); });
    QCOMPARE(outcome.exitCode, 1);
    // The last row that is asked for needs no token behind it.
    const char* total = command[0] == "attention" ? "of 8010 tokens"
                        : command[0] == "logits"  ? "of 9000 tokens"
                                                  : "of 24 heads";
    QVERIFY2(outcome.errors.contains(total), outcome.errors.constData());
    QCOMPARE(outcome.errors.count('\n'), 1);
    QVERIFY(!QFile::exists(file("half.npy")));
    QCOMPARE(QDir(m_folder.path()).entryList({"half*", ".headroom*"}, QDir::AllEntries | QDir::Hidden).size(),
             0);
  }

  /// Heads that were measured are printed, and counted in the sentence.
  void ablatePrintsTheHeadsThatItHas() {
    QStringList ids;
    for (int i = 0; i < 1000; ++i) ids << QString::number(i % 380 + 1);
    const Outcome outcome = interruptLateEnough(
        {"--json", "ablate", checkpoint(kTiny), "--context", "1000", "--tokens", ids.join(',')},
        [](const Outcome& o) { return !o.json()["heads"].toArray().isEmpty(); });
    QCOMPARE(outcome.exitCode, 1);
    QVERIFY(outcome.json()["interrupted"].toBool());
    const qsizetype heads = outcome.json()["heads"].toArray().size();
    QVERIFY(heads > 0 && heads < 24);
    QVERIFY2(outcome.errors.contains(qPrintable(QString("without %1 of 24 heads").arg(heads))),
             outcome.errors.constData());
    QCOMPARE(outcome.errors.count('\n'), 1);
  }

  void benchPrintsItsRows_data() {
    QTest::addColumn<QStringList>("format");
    QTest::newRow("text") << QStringList{};
    QTest::newRow("CSV") << QStringList{"--csv"};
    QTest::newRow("JSON") << QStringList{"--json"};
  }
  void benchPrintsItsRows() {
    QFETCH(QStringList, format);
    const auto linesOf = [](const Outcome& o) {
      return QString::fromUtf8(o.output).split('\n', Qt::SkipEmptyParts);
    };
    const auto rowsOf = [&](const Outcome& o) -> qsizetype {
      if (format == QStringList{"--json"}) return o.json()["rows"].toArray().size();
      const QStringList lines = linesOf(o);
      if (format.isEmpty()) return lines.filter(QRegularExpression("^kv_heads=.*%")).size();
      return lines.size() - 1;
    };
    const Outcome outcome = interruptLateEnough(
        QStringList{"bench", "--shape", kShape, "--repeat", "1000", "--round-ms", "20"} + format,
        [&](const Outcome& o) { return rowsOf(o) == 2; }, 4000);
    QCOMPARE(outcome.exitCode, 1);
    QCOMPARE(rowsOf(outcome), 2);
    QVERIFY2(outcome.errors.contains("Interrupted: 2 of 2 rows and "), outcome.errors.constData());
    QVERIFY2(outcome.errors.contains(" of 2000 rounds were measured"), outcome.errors.constData());
    QCOMPARE(outcome.errors.count('\n'), 1);
    if (format == QStringList{"--json"}) {
      QVERIFY(outcome.json()["interrupted"].toBool());
      for (const QJsonValue& row : outcome.json()["rows"].toArray()) {
        QVERIFY(row["rounds"].toInt() >= 1 && row["rounds"].toInt() < 1000);
        QVERIFY(row["tokens_per_second"]["median"].toDouble() > 0.0);
      }
    } else if (format.isEmpty()) {
      QVERIFY2(outcome.output.contains("Interrupted: 2 rows of at least"), outcome.output.constData());
    }
  }

  void aBenchThatEndsSaysThatToo() {
    const Outcome outcome =
        tests::run({"--json", "bench", "--shape", kShape, "--repeat", "1", "--round-ms", "1"});
    QCOMPARE(outcome.exitCode, 0);
    QVERIFY(outcome.json().contains("interrupted"));
    QVERIFY(!outcome.json()["interrupted"].toBool());
  }

  /// The second one does not wait: a FIFO without a reader never opens.
  void theSecondSignalEndsAtOnce() {
    QCOMPARE(tests::shell("mkfifo $OUT", {{"OUT", file("fifo")}}).exitCode, 0);
    QProcess process;
    process.start(tests::cli(), {"decode", checkpoint(kTiny), "--tokens", "5", "--max-tokens", "1",
                                 "--backend", "reference", "--trace", file("fifo")});
    QVERIFY(process.waitForStarted());
    process.waitForFinished(1500);
    const auto id = static_cast<pid_t>(process.processId());
    ::kill(id, SIGINT);
    QVERIFY(!process.waitForFinished(500));
    ::kill(id, SIGINT);
    QVERIFY(process.waitForFinished(5000));
    QCOMPARE(process.exitStatus(), QProcess::CrashExit);
  }
};

QTEST_GUILESS_MAIN(TstInterrupts)
#include "tst_interrupts.moc"
