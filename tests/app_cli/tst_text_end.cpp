#include <QJsonArray>
#include <QTemporaryDir>
#include <QTest>

#include "tests/app_cli/command_line.h"

using namespace headroom::tests;

/// What `decode` does where a model ends its text: a copy of a fixture of which one of the tokens that it
/// decodes is said to be the end.
class TstTextEnd : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;
  QJsonArray m_tokens;  ///< that the fixture decodes
  QString m_text;
  int m_end = 0;  ///< where the end token stands among them

  QString model() const { return m_folder.filePath("ends.gguf"); }
  static QStringList decode(const QString& model) {
    return {"decode", model, "--tokens", "5", "--max-tokens", "20"};
  }
  static QJsonObject laneOf(const Outcome& outcome) {
    return outcome.json()["lanes"].toArray().at(0).toObject();
  }

 private slots:
  void initTestCase() {
    const QJsonObject lane = laneOf(run(decode(checkpoint(kTiny)) + QStringList{"--json"}));
    m_tokens = lane["tokens"].toArray();
    m_text = lane["text"].toString();
    QCOMPARE(m_tokens.size(), 20);
    QVERIFY(!m_text.contains("\n\n"));
    // The first of the later ones that does not come before.
    const auto comesBefore = [&](int index) {
      for (int other = 0; other < index; ++other) {
        if (m_tokens[other] == m_tokens[index]) return true;
      }
      return false;
    };
    m_end = 5;
    while (m_end < 19 && comesBefore(m_end)) ++m_end;
    QVERIFY(m_end < 19);

    QFile fixture(checkpoint(kTiny));
    QVERIFY(fixture.open(QFile::ReadOnly));
    QByteArray bytes = fixture.readAll();
    const QByteArray key = "tokenizer.ggml.eos_token_id";
    const qsizetype at = bytes.indexOf(key);
    QVERIFY(at > 0 && bytes.count(key) == 1);
    // Behind the key its type, 4 for uint32, and the value.
    const auto token = static_cast<quint32>(m_tokens[m_end].toInt());
    bytes.replace(at + key.size() + 4, 4, QByteArray(reinterpret_cast<const char*>(&token), 4));
    QFile changed(model());
    QVERIFY(changed.open(QFile::WriteOnly) && changed.write(bytes) == bytes.size());
  }

  void atTheEndToken_data() {
    QTest::addColumn<QStringList>("option");
    QTest::addColumn<bool>("goesOn");
    QTest::newRow("nothing asked") << QStringList{} << false;
    QTest::newRow("stop") << QStringList{"--when-text-ends", "stop"} << false;
    QTest::newRow("go on") << QStringList{"--when-text-ends", "go-on"} << true;
  }
  void atTheEndToken() {
    QFETCH(QStringList, option);
    QFETCH(bool, goesOn);
    QJsonArray expected = m_tokens;
    while (!goesOn && expected.size() > m_end) expected.removeLast();

    const Outcome outcome = run(decode(model()) + option + QStringList{"--json"});
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const QJsonObject lane = laneOf(outcome);
    QCOMPARE(lane["tokens"].toArray(), expected);
    QCOMPARE(lane["stop_reason"].toString(), QString(goesOn ? "max_tokens" : "end_token"));
    // A reader sees where one text ended, in what comes at once and in what is printed as it comes.
    const QString text = lane["text"].toString();
    QCOMPARE(text.count("\n\n"), goesOn ? 1 : 0);
    QVERIFY(m_text.startsWith(QString(text).remove("\n\n")));
    if (goesOn) QCOMPARE(QString(text).remove("\n\n"), m_text);
    const Outcome printed = run(decode(model()) + option);
    QVERIFY2(QString::fromUtf8(printed.output).startsWith(text), printed.output.constData());
  }

  void anythingElseIsWrongUsage() {
    const Outcome outcome = run(decode(model()) + QStringList{"--when-text-ends", "never"});
    QCOMPARE(outcome.exitCode, 2);
    QVERIFY2(outcome.errors.contains("--when-text-ends"), outcome.errors.constData());
  }
};

QTEST_GUILESS_MAIN(TstTextEnd)
#include "tst_text_end.moc"
