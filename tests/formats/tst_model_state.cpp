#include <QTemporaryDir>
#include <QTest>

#include "core/formats/model_state.h"

using namespace headroom;

/// A model in several files has changed when any of them has.
class TestModelState : public QObject {
  Q_OBJECT

 private slots:
  void everyFileCounts_data() {
    QTest::addColumn<QStringList>("files");
    QTest::addColumn<QString>("opened");
    QTest::addColumn<QString>("changed");
    QTest::addColumn<bool>("counts");
    const QStringList one{"a.gguf", "b.gguf"};
    const QStringList split{"m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "n-00001-of-00002.gguf"};
    const QStringList folder{"config.json", "model.safetensors"};
    QTest::newRow("a file") << one << "a.gguf"
                            << "a.gguf" << true;
    QTest::newRow("not the one beside it") << one << "a.gguf"
                                           << "b.gguf" << false;
    QTest::newRow("the part that was opened") << split << split[1] << split[1] << true;
    QTest::newRow("another part") << split << split[0] << split[1] << true;
    QTest::newRow("not another model's part") << split << split[0] << split[2] << false;
    QTest::newRow("a file of a folder") << folder << "" << folder[1] << true;
  }
  void everyFileCounts() {
    QFETCH(QStringList, files);
    QFETCH(QString, opened);
    QFETCH(QString, changed);
    QFETCH(bool, counts);
    QTemporaryDir folder;
    const auto write = [&](const QString& name, const QByteArray& bytes) {
      QFile file(folder.filePath(name));
      QVERIFY(file.open(QIODevice::WriteOnly));
      file.write(bytes);
    };
    for (const QString& name : files) write(name, "before");
    const std::string path = folder.filePath(opened).toStdString();
    const std::string before = formats::modelState(path);
    QCOMPARE(formats::modelState(path), before);
    write(changed, "afterwards");
    QCOMPARE(formats::modelState(path) != before, counts);
  }

  void whatIsNotThereHasAState() { QVERIFY(!formats::modelState("/no/such/file.gguf").empty()); }
};

QTEST_GUILESS_MAIN(TestModelState)
#include "tst_model_state.moc"
