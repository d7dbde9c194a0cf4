#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include "core/formats/gguf/gguf_writer.h"
#include "tests/support/random_model.h"

using namespace headroom;

/// A model of head_dim 6 on the command line: it runs, says on what and why, and every number is of that.
class TstReferenceFallbackCli : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;
  const QString m_note =
      "head_dim 6 is no multiple of 4, so this model runs on the float64 reference on the "
      "processor; its times are the processor's.";

  QString modelPath() const { return m_folder.filePath("six.gguf"); }

  struct Outcome {
    int exitCode = -1;
    QJsonObject json;
    QString errors;
  };
  static Outcome run(const QStringList& arguments) {
    QProcess process;
    process.start(QString(HEADROOM_BUILD_DIR) + "/app/headroom-cli", QStringList{"--json"} + arguments);
    if (!process.waitForFinished(60000)) return {};
    return {process.exitCode(), QJsonDocument::fromJson(process.readAllStandardOutput()).object(),
            QString::fromUtf8(process.readAllStandardError())};
  }

 private slots:
  void initTestCase() {
    const model::Model model = tests::randomModel(tests::smallConfig({4, 2, 6}), tests::Output::Tied);
    formats::writeGguf({.config = model.config, .weights = model.weights, .tokenizer = model.tokenizer.get()},
                       modelPath().toStdString(), model::Storage::F32);
  }

  void decodesOnTheReference() {
    const QStringList input{modelPath(), "--tokens", "1,2,3", "--max-tokens", "5"};
    const Outcome outcome = run(QStringList{"decode"} + input);
    QCOMPARE(outcome.exitCode, 0);
    QCOMPARE(outcome.errors.trimmed(), "headroom-cli: " + modelPath() + ": " + m_note);
    const QJsonObject lane = outcome.json["lanes"].toArray().at(0).toObject();
    QCOMPARE(lane["note"].toString(), m_note);
    QCOMPARE(lane["device"].toString(), QString("Eigen, float64"));
    QCOMPARE(lane["traffic_kind"].toString(), QString("logical"));
    const QJsonObject cache = lane["kv_cache"].toObject();
    QCOMPARE(cache["type"].toString(), QString("f64"));
    // 2 (K and V) x 2 layers x 2 KV heads x 6 x 8 bytes.
    QCOMPARE(cache["bytes_per_token"].toInt(), 2 * 2 * 2 * 6 * 8);
    QCOMPARE(lane["tokens"].toArray().size(), 5);
    const Outcome asked = run(QStringList{"decode"} + input + QStringList{"--backend", "reference"});
    QVERIFY(asked.errors.isEmpty());
    const QJsonObject same = asked.json["lanes"].toArray().at(0).toObject();
    QCOMPARE(lane["tokens"].toArray(), same["tokens"].toArray());
    QCOMPARE(same["note"].toString(), QString());
  }

  /// Type and bytes say the same, also where the reference rounds to halves.
  void aRoundedCacheIsStoredInFloat64_data() {
    QTest::addColumn<QStringList>("options");
    QTest::newRow("asked for") << QStringList{"--backend", "reference"};
    QTest::newRow("fallen back to") << QStringList{};
  }
  void aRoundedCacheIsStoredInFloat64() {
    QFETCH(QStringList, options);
    const Outcome outcome =
        run(QStringList{"decode", modelPath(), "--tokens", "1,2,3", "--max-tokens", "2", "--kv-type", "f16"} +
            options);
    QCOMPARE(outcome.exitCode, 0);
    const QJsonObject cache = outcome.json["lanes"].toArray().at(0)["kv_cache"].toObject();
    QCOMPARE(cache["type"].toString(), QString("f64"));
    QCOMPARE(cache["rounded_to"].toString(), QString("f16"));
    QCOMPARE(cache["bytes_per_token"].toInt(), 2 * 2 * 2 * 6 * 8);
  }

  void infoSaysSo() {
    const Outcome outcome = run({"info", modelPath()});
    QCOMPARE(outcome.exitCode, 0);
    QVERIFY(outcome.json["notes"].toArray().contains(m_note));
  }

  void whatTheReferenceCannotDoIsOneSentence() {
    const Outcome outcome = run({"decode", modelPath(), "--tokens", "1", "--attention", "naive"});
    QCOMPARE(outcome.exitCode, 1);
    QVERIFY2(outcome.errors.contains("the naive one was asked for"), qPrintable(outcome.errors));
    QCOMPARE(outcome.errors.trimmed().count('\n'), 0);
  }
};

QTEST_GUILESS_MAIN(TstReferenceFallbackCli)
#include "tst_reference_fallback_cli.moc"
