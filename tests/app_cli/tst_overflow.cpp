#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include "core/formats/gguf/gguf_writer.h"
#include "tests/support/edited_model.h"

using namespace headroom;

/// A model whose weights are finite and whose fifth token overflows: what was decoded before it is printed,
/// the exit code says that something failed, and one line says where.
class TstOverflow : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;

  QString modelPath() const { return m_folder.filePath("overflows.gguf"); }

 private slots:
  void initTestCase() {
    const tests::EditableModel edited = tests::overflowingModel();
    formats::writeGguf({.config = edited.model.config,
                        .weights = edited.model.weights,
                        .tokenizer = edited.model.tokenizer.get()},
                       modelPath().toStdString(), model::Storage::F32);
  }

  void whatWasDecodedStays_data() {
    QTest::addColumn<QStringList>("options");
    QTest::newRow("one lane") << QStringList{};
    QTest::newRow("in lockstep with another") << QStringList{modelPath(), "--lockstep"};
  }
  void whatWasDecodedStays() {
    QFETCH(QStringList, options);
    QProcess process;
    process.start(
        QString(HEADROOM_BUILD_DIR) + "/app/headroom-cli",
        QStringList{"--json", "decode", modelPath(), "--tokens", "1", "--max-tokens", "20"} + options);
    QVERIFY(process.waitForFinished(60000));
    QCOMPARE(process.exitCode(), 1);
    const QString errors = QString::fromUtf8(process.readAllStandardError());
    QVERIFY2(errors.contains("after position 4: ffn_gate_up of layer 1"), qPrintable(errors));
    QCOMPARE(errors.trimmed().count('\n'), 0);
    const QJsonObject document = QJsonDocument::fromJson(process.readAllStandardOutput()).object();
    QVERIFY(document["error"].toString().contains("ffn_gate_up of layer 1"));
    const QJsonObject lane = document["lanes"].toArray().at(0).toObject();
    QCOMPARE(lane["tokens"].toArray(), (QJsonArray{2, 3, 4}));
    QCOMPARE(lane["steps"].toArray().size(), 3);
    QCOMPARE(lane["stop_reason"].toString(), QString("failed"));
  }
};

QTEST_GUILESS_MAIN(TstOverflow)
#include "tst_overflow.moc"
