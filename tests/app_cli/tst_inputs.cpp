#include <QJsonArray>
#include <QTest>

#include "core/formats/npy.h"
#include "tests/app_cli/command_line.h"

using namespace headroom;
using tests::checkpoint;
using tests::kTiny;
using tests::Outcome;
using tests::run;

/// Texts that commands are given: as an option, from a file, from standard input.
class TstInputs : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QString file(const char* name) const { return m_folder.filePath(name); }
  QString write(const char* name, const QByteArray& bytes) const {
    QFile out(file(name));
    if (!out.open(QFile::WriteOnly) || out.write(bytes) != bytes.size()) qFatal("no room for a test file");
    return file(name);
  }

 private slots:
  void promptsFromFilesAreThePrompt_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::newRow("plain") << QByteArray("Größe");
    QTest::newRow("a line feed at the end") << QByteArray("Größe\n");
    QTest::newRow("as Windows ends lines") << QByteArray("Größe\r\n");
  }
  void promptsFromFilesAreThePrompt() {
    QFETCH(QByteArray, bytes);
    const QStringList decode{"decode", checkpoint(kTiny), "--max-tokens", "2", "--json"};
    const auto ids = [](const Outcome& outcome) {
      return outcome.json()["lanes"][0]["prompt_tokens"].toArray();
    };
    const QJsonArray expected = ids(run(decode + QStringList{"--prompt", "Größe"}));
    QVERIFY(expected.size() > 1);
    QCOMPARE(ids(run(decode + QStringList{"--prompt-file", write("prompt.txt", bytes)})), expected);
    QCOMPARE(ids(run(decode + QStringList{"--prompt-file", "-"}, bytes)), expected);
  }

  /// Only the last line feed goes; the text's own stay.
  void otherLineFeedsStay() {
    const QStringList decode{"decode", checkpoint(kTiny), "--max-tokens", "0", "--json"};
    const auto ids = [](const Outcome& outcome) {
      return outcome.json()["lanes"][0]["prompt_tokens"].toArray();
    };
    QCOMPARE(ids(run(decode + QStringList{"--prompt-file", "-"}, "\na\n\n")),
             ids(run(decode + QStringList{"--prompt", "\na\n"})));
  }

  void everyCommandWithAPromptReadsFiles() {
    const QString path = write("prompt.txt", "hello\n");
    for (const char* command : {"logits", "attention"}) {
      const QStringList common{command, checkpoint(kTiny), "--backend", "reference", "--output"};
      const Outcome given = run(common + QStringList{file("a.npy"), "--prompt", "hello"});
      QVERIFY2(given.exitCode == 0, given.errors.constData());
      const Outcome read = run(common + QStringList{file("b.npy"), "--prompt-file", path});
      QVERIFY2(read.exitCode == 0, read.errors.constData());
      const auto a = formats::readNpy(file("a.npy").toStdString());
      QVERIFY(a.shape[0] > 1);
      QVERIFY(a.values == formats::readNpy(file("b.npy").toStdString()).values);
    }
  }

  void whatIsNoPromptIsRefused_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QString>("fragment");
    QTest::newRow("empty") << QByteArray() << "is empty, expected text";
    QTest::newRow("a line feed alone") << QByteArray("\n") << "is empty, expected text";
    QTest::newRow("Latin-1") << QByteArray(
                                    "Gr\xf6\xdf"
                                    "e")
                             << "is not UTF-8 at byte 2";
    QTest::newRow("half a character") << QByteArray("a\xc3") << "is not UTF-8 at byte 1";
    QTest::newRow("a NUL") << QByteArray("abc\0d", 5) << "has a NUL as byte 3";
    QTest::newRow("too long") << QByteArray((16 << 20) + 1, 'a') << "more than 16777216 bytes";
  }
  void whatIsNoPromptIsRefused() {
    QFETCH(QByteArray, bytes);
    QFETCH(QString, fragment);
    const QString path = write("bad.txt", bytes);
    for (const QString& source : {path, QString("-")}) {
      const Outcome outcome = run({"decode", checkpoint(kTiny), "--prompt-file", source}, bytes);
      QCOMPARE(outcome.exitCode, 1);
      QVERIFY2(outcome.errors.contains(fragment.toUtf8()), outcome.errors.constData());
      QVERIFY2(outcome.errors.contains(source == "-" ? "standard input" : source.toUtf8()),
               outcome.errors.constData());
      QCOMPARE(outcome.errors.count('\n'), 1);
      QVERIFY2(outcome.output.isEmpty(), outcome.output.constData());
    }
  }

  void whereThereIsNoFileItIsSaid_data() {
    QTest::addColumn<QStringList>("prompt");
    QTest::addColumn<int>("exitCode");
    QTest::addColumn<QString>("fragment");
    QTest::newRow("missing") << QStringList{"--prompt-file", "/no/such.txt"} << 1
                             << "/no/such.txt cannot be read, expected a text file";
    QTest::newRow("folder") << QStringList{"--prompt-file", "/"} << 1 << "/ is a folder";
    QTest::newRow("empty prompt") << QStringList{"--prompt", ""} << 2 << "--prompt: is empty";
  }
  void whereThereIsNoFileItIsSaid() {
    QFETCH(QStringList, prompt);
    QFETCH(int, exitCode);
    QFETCH(QString, fragment);
    const Outcome outcome = run(QStringList{"decode", checkpoint(kTiny)} + prompt);
    QCOMPARE(outcome.exitCode, exitCode);
    QVERIFY2(outcome.errors.contains(fragment.toUtf8()), outcome.errors.constData());
    QCOMPARE(outcome.errors.count('\n'), 1);
  }
};

QTEST_GUILESS_MAIN(TstInputs)
#include "tst_inputs.moc"
