#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <QTest>

#include "core/formats/trace/trace_file.h"
#include "tests/app_cli/command_line.h"

using namespace headroom;
using tests::checkpoint;
using tests::kTiny;
using tests::Outcome;
using tests::run;
using tests::shell;

/// Where --output and --trace lead: through links, into pipes, not onto devices.
class TstOutputs : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QByteArray m_expected;  // the bytes of logits() in a plain file

  QString file(const QString& name) const { return m_folder.filePath(name); }
  static QByteArray bytesOf(const QString& path) {
    QFile in(path);
    return in.open(QFile::ReadOnly) ? in.readAll() : QByteArray();
  }
  static QStringList logits(const QString& output) {
    return {"logits", checkpoint(kTiny), "--tokens", "5,6,7", "--backend", "reference", "--output", output};
  }
  QMap<QString, QString> variables(const QString& output) const {
    return {{"MODEL", checkpoint(kTiny)}, {"OUT", output}};
  }
  static constexpr const char* kLogits = "$CLI logits $MODEL --tokens 5,6,7 --backend reference --output ";

 private slots:
  void init() {
    if (!m_expected.isEmpty()) return;
    QCOMPARE(run(logits(file("plain.npy"))).exitCode, 0);
    m_expected = bytesOf(file("plain.npy"));
    QVERIFY(m_expected.size() > 3 * 384 * 4);
  }

  void linksStay_data() {
    QTest::addColumn<QString>("target");  // of the link, from its folder
    QTest::addColumn<bool>("exists");
    QTest::newRow("a file beside it") << "target.npy" << true;
    QTest::newRow("a file elsewhere") << "deeper/target.npy" << true;
    QTest::newRow("nothing yet") << "deeper/new.npy" << false;
    QTest::newRow("another link") << "second-link.npy" << true;
  }
  void linksStay() {
    QFETCH(QString, target);
    QFETCH(bool, exists);
    QVERIFY(QDir(m_folder.path()).mkpath("deeper"));
    QFile::remove(file("link.npy"));
    QFile::remove(file("second-link.npy"));
    QFile::remove(file("end.npy"));
    if (target == "second-link.npy") QVERIFY(QFile::link("end.npy", file("second-link.npy")));
    const QString end = target == "second-link.npy" ? file("end.npy") : file(target);
    QFile::remove(end);
    if (exists) {
      QFile old(end);
      QVERIFY(old.open(QFile::WriteOnly) && old.write("old") == 3);
    }
    QVERIFY(QFile::link(target, file("link.npy")));
    const Outcome outcome = run(logits(file("link.npy")));
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    QVERIFY(QFileInfo(file("link.npy")).isSymLink());
    QVERIFY(!QFileInfo(end).isSymLink());
    QCOMPARE(bytesOf(end), m_expected);
    QCOMPARE(
        QDir(m_folder.path()).entryList({"*part-*", ".headroom*"}, QDir::AllEntries | QDir::Hidden).size(),
        0);
  }

  void permissionsStay() {
    QVERIFY(QFile::copy(file("plain.npy"), file("private.npy")));
    QCOMPARE(::chmod(qPrintable(file("private.npy")), 0600), 0);
    QCOMPARE(run(logits(file("private.npy"))).exitCode, 0);
    struct stat status = {};
    QCOMPARE(::stat(qPrintable(file("private.npy")), &status), 0);
    QCOMPARE(status.st_mode & 0777u, 0600u);
  }

  void standardOutputHoldsTheFileAndNothingElse_data() {
    QTest::addColumn<QString>("path");
    QTest::newRow("/dev/stdout") << "/dev/stdout";
    QTest::newRow("/dev/fd/1") << "/dev/fd/1";
    QTest::newRow("a link to it") << file("stdout-link");
  }
  void standardOutputHoldsTheFileAndNothingElse() {
    QFETCH(QString, path);
    if (path.endsWith("link")) QVERIFY(QFile::link("/dev/stdout", path));
    const Outcome outcome = run(logits(path));
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    QCOMPARE(outcome.output, m_expected);
    QVERIFY2(outcome.errors.contains("computed by"), outcome.errors.constData());
  }

  /// What a shell redirected is written on, not replaced or begun anew.
  void redirectedOutputIsWrittenWhereItStands() {
    const Outcome outcome =
        shell(QString("printf before > $OUT; %1 /dev/stdout >> $OUT").arg(kLogits), variables(file("grown")));
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    QCOMPARE(bytesOf(file("grown")), "before" + m_expected);
  }

  void pipesAreFilled_data() {
    QTest::addColumn<QString>("line");
    QTest::newRow("a FIFO")
        << "mkfifo $OUT.fifo; cat $OUT.fifo > $OUT & %1 $OUT.fifo || exit 9; wait; test -p $OUT.fifo";
    QTest::newRow("a link to a FIFO")
        << "mkfifo $OUT.end; ln -s $OUT.end $OUT.fifo2; cat $OUT.end > $OUT & %1 $OUT.fifo2 || exit 9; wait; "
           "test -p $OUT.end && test -L $OUT.fifo2";
    QTest::newRow("process substitution") << "%1 >(cat > $OUT) || exit 9; sleep 0.5";
    QTest::newRow("a pipe") << "%1 /dev/stdout | cat > $OUT";
  }
  void pipesAreFilled() {
    QFETCH(QString, line);
    QFile::remove(file("copy"));
    const Outcome outcome = shell(line.arg(kLogits), variables(file("copy")));
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    QCOMPARE(bytesOf(file("copy")), m_expected);
  }

  /// --output /dev/null times a command; the device must stay what it is.
  void nothingIsKeptInTheNullDevice() {
    const Outcome outcome = run(logits("/dev/null"));
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    struct stat status = {};
    QCOMPARE(::stat("/dev/null", &status), 0);
    QVERIFY(S_ISCHR(status.st_mode));
    QCOMPARE(QDir("/dev").entryList({"null*"}, QDir::AllEntries | QDir::System), QStringList{"null"});
  }

  void nodesAreRefused_data() {
    QTest::addColumn<QString>("path");
    QTest::addColumn<QString>("fragment");
    QTest::newRow("a character device") << "/dev/zero"
                                        << "Cannot write /dev/zero: it is a character device";
    QTest::newRow("a full device") << "/dev/full"
                                   << "Cannot write /dev/full: it is a character device";
    QTest::newRow("a block device") << file("block") << "it is a block device";
    QTest::newRow("a socket") << file("socket") << "it is a socket";
    QTest::newRow("a folder") << m_folder.path() << "it is a folder, expected a file, a pipe or /dev/null";
    QTest::newRow("links in a circle") << file("circle") << "more than 40 symbolic links";
    QTest::newRow("a closed descriptor") << "/dev/fd/97"
                                         << "descriptor 97 is not open";
    QTest::newRow("standard input") << "/dev/fd/0"
                                    << "descriptor 0 is open for reading only";
    QTest::newRow("a folder that is none") << file("plain.npy/x") << "Not a directory";
  }
  void nodesAreRefused() {
    QFETCH(QString, path);
    QFETCH(QString, fragment);
    if (path == file("block") && ::mknod(qPrintable(path), S_IFBLK | 0600, makedev(7, 250)) != 0)
      QSKIP("only root makes block devices");
    if (path == file("circle")) QVERIFY(QFile::link("circle", path));
    if (path == file("socket")) {
      const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
      sockaddr_un address = {};
      address.sun_family = AF_UNIX;
      qstrncpy(address.sun_path, qPrintable(path), sizeof address.sun_path);
      QCOMPARE(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
      ::close(descriptor);
    }
    struct stat before = {};
    const bool exists = ::lstat(qPrintable(path), &before) == 0;
    for (const QStringList& arguments :
         {logits(path), QStringList{"decode", checkpoint(kTiny), "--tokens", "5", "--trace", path}}) {
      const Outcome outcome = run(arguments);
      QCOMPARE(outcome.exitCode, 1);
      QVERIFY2(outcome.errors.contains(fragment.toUtf8()), outcome.errors.constData());
      QCOMPARE(outcome.errors.count('\n'), 1);
    }
    struct stat after = {};
    QCOMPARE(::lstat(qPrintable(path), &after) == 0, exists);
    if (exists && path != m_folder.path()) {
      QCOMPARE(after.st_ino, before.st_ino);
      QCOMPARE(after.st_mode, before.st_mode);
    }
  }

  /// A model's file, its checkpoint and its loss table are written like any other.
  void trainingWritesThroughLinks() {
    QFile text(file("text.txt"));
    QVERIFY(text.open(QFile::WriteOnly));
    for (int line = 0; line < 400; ++line)
      text.write(qPrintable(QString("line %1 of a text\n").arg(line * 7 % 91)));
    text.close();
    const QStringList train{"train",
                            "--text",
                            file("text.txt"),
                            "--valid",
                            file("text.txt"),
                            "--vocab",
                            "270",
                            "--layers",
                            "1",
                            "--query-heads",
                            "2",
                            "--kv-heads",
                            "1",
                            "--head-dim",
                            "8",
                            "--model-dim",
                            "16",
                            "--ffn",
                            "16",
                            "--context",
                            "16",
                            "--steps",
                            "2",
                            "--batch",
                            "1",
                            "--output"};
    QVERIFY(QFile::link("real.gguf", file("model.gguf")) && QFile::link("real.csv", file("model.loss.csv")));
    const Outcome outcome = run(train + QStringList{file("model.gguf")});
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    QVERIFY(QFileInfo(file("model.gguf")).isSymLink() && QFileInfo(file("model.loss.csv")).isSymLink());
    QVERIFY(bytesOf(file("real.gguf")).startsWith("GGUF"));
    QVERIFY(bytesOf(file("real.csv")).startsWith("step,"));
    const Outcome stream = run(train + QStringList{"/dev/stdout"});
    QCOMPARE(stream.exitCode, 2);
    QVERIFY2(stream.errors.contains("a checkpoint and a loss table lie beside it"),
             stream.errors.constData());
  }

  void twoDocumentsDoNotShareStandardOutput() {
    const Outcome outcome = run(logits("/dev/stdout") + QStringList{"--json"});
    QCOMPARE(outcome.exitCode, 2);
    QVERIFY2(outcome.errors.contains("where --json prints its document"), outcome.errors.constData());
    QVERIFY(outcome.output.isEmpty());
  }

  void aTraceOnStandardOutputLeavesItsTextToStderr() {
    const QStringList decode{"decode", checkpoint(kTiny), "--tokens", "5,6", "--max-tokens", "3", "--trace"};
    const Outcome outcome = run(decode + QStringList{"/dev/stdout"});
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const auto bytes =
        std::as_bytes(std::span(outcome.output.constData(), static_cast<std::size_t>(outcome.output.size())));
    QCOMPARE(formats::readTrace(bytes).tokens.size(), std::size_t{5});
    QVERIFY2(outcome.errors.contains("stopped at max_tokens"), outcome.errors.constData());
    const Outcome two =
        run(QStringList{"decode", checkpoint(kTiny)} + decode.mid(1) + QStringList{"/dev/null"});
    QCOMPARE(two.exitCode, 2);
    QVERIFY2(two.errors.contains("2 lanes write one each"), two.errors.constData());
  }

  /// One sentence and exit code 1, not a silent end by a signal.
  void readersThatGoAwayAreReported_data() {
    QTest::addColumn<QString>("line");
    QTest::newRow("of a file") << QString("%1 /dev/stdout").arg(kLogits);
    QTest::newRow("of a text") << "$CLI decode $MODEL --tokens 5 --max-tokens 500";
    QTest::newRow("of a document") << "$CLI --json decode $MODEL --tokens 5 --max-tokens 50";
  }
  void readersThatGoAwayAreReported() {
    QFETCH(QString, line);
    // The reader is gone before a byte is written: a pipe would take a small file without one.
    const Outcome outcome = shell("exec 4> >(exit 0); wait $!; " + line + " >&4", variables(""));
    QCOMPARE(outcome.exitCode, 1);
    QVERIFY2(outcome.errors.contains("Broken pipe"), outcome.errors.constData());
    QCOMPARE(outcome.errors.count('\n'), 1);
  }

  void fullDisksAreReported_data() {
    QTest::addColumn<QString>("line");
    QTest::addColumn<QString>("fragment");
    QTest::newRow("a stream")
        << QString("%1 /dev/stdout > /dev/full").arg(kLogits)
        << "Cannot write /dev/stdout: could not write it after 0 bytes: No space left on device";
    QTest::newRow("a document") << "$CLI --json info $MODEL > /dev/full"
                                << "Cannot write to standard output: No space left on device";
    QTest::newRow("a file") << QString("cp $OUT $OUT.limited; ulimit -f 2; %1 $OUT.limited").arg(kLogits)
                            << "could not write it after 2048 bytes: File too large";
  }
  void fullDisksAreReported() {
    QFETCH(QString, line);
    QFETCH(QString, fragment);
    const Outcome outcome = shell(line, variables(file("plain.npy")));
    QCOMPARE(outcome.exitCode, 1);
    QVERIFY2(outcome.errors.contains(fragment.toUtf8()), outcome.errors.constData());
    QCOMPARE(outcome.errors.count('\n'), 1);
    // What was there is there, and nothing half done is.
    QCOMPARE(bytesOf(file("plain.npy")), m_expected);
    if (QFile::exists(file("plain.npy.limited"))) QCOMPARE(bytesOf(file("plain.npy.limited")), m_expected);
    QCOMPARE(QDir(m_folder.path()).entryList({"*part-*"}, QDir::AllEntries | QDir::Hidden).size(), 0);
  }
};

QTEST_GUILESS_MAIN(TstOutputs)
#include "tst_outputs.moc"
