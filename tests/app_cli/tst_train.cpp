#include <QJsonArray>
#include <QTemporaryDir>
#include <QTest>

#include "tests/app_cli/command_line.h"

using namespace headroom::tests;

/// A model of one's own, from a text to what it says.
class TstTrain : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;

  QString file(const QString& name) { return m_folder.filePath(name); }
  /// `lines` lines of a text that says one sentence again and again.
  QString text(const QString& name, int lines) {
    QFile out(file(name));
    if (!out.open(QFile::WriteOnly)) return {};
    for (int line = 0; line < lines; ++line) out.write("the cat sat on the mat and the dog saw it.\n");
    return file(name);
  }

 private slots:
  /// A text without surprises leaves nothing to guess, and the model says it by heart. Fails where the
  /// tokenizer of the file is not that of the training, and where the weights are not those that were judged.
  void aTextIsLearntByHeart() {
    const Outcome trained = run({"train",
                                 "--text",
                                 text("train.txt", 300),
                                 "--valid",
                                 text("valid.txt", 40),
                                 "--output",
                                 file("cat.gguf"),
                                 "--vocab",
                                 "272",
                                 "--layers",
                                 "1",
                                 "--query-heads",
                                 "4",
                                 "--kv-heads",
                                 "1",
                                 "--head-dim",
                                 "8",
                                 "--model-dim",
                                 "32",
                                 "--ffn",
                                 "32",
                                 "--context",
                                 "32",
                                 "--steps",
                                 "150",
                                 "--warmup",
                                 "10",
                                 "--batch",
                                 "4",
                                 "--learning-rate",
                                 "0.02",
                                 "--threads",
                                 "2",
                                 "--json"});
    QVERIFY2(trained.exitCode == 0, trained.errors.constData());
    const double bits = trained.json()["validation_bits_per_byte"].toDouble();
    QVERIFY2(bits > 0.0 && bits < 0.2, qPrintable(QString::number(bits)));
    QCOMPARE(trained.json()["steps"].toInt(), 150);
    QVERIFY(QFile::exists(file("cat.loss.csv")));

    const Outcome info = run({"info", file("cat.gguf"), "--json"});
    QCOMPARE(info.json()["attention"].toObject()["kind"].toString(), QString("MQA"));
    const Outcome decoded =
        run({"decode", file("cat.gguf"), "--prompt", "the cat sat", "--max-tokens", "20", "--json"});
    QVERIFY2(decoded.exitCode == 0, decoded.errors.constData());
    const QString said = decoded.json()["lanes"].toArray()[0].toObject()["text"].toString();
    QVERIFY2(said.startsWith(" on the mat and the dog saw it.\nthe cat"), qPrintable(said));
  }
};

QTEST_GUILESS_MAIN(TstTrain)
#include "tst_train.moc"
