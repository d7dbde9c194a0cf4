#pragma once

#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QString>
#include <QStringList>
#include <QTest>

#include "tests/support/fixtures.h"

/// Runs headroom-cli as a user does.
namespace headroom::tests {

struct Outcome {
  int exitCode = -1;
  QByteArray output;
  QByteArray errors;

  QJsonObject json() const { return QJsonDocument::fromJson(output).object(); }
};

inline QString cli() {
  return QString(HEADROOM_BUILD_DIR) + "/app/headroom-cli";
}

inline Outcome finish(QProcess& process) {
  if (!process.waitForFinished(60000) || process.exitStatus() != QProcess::NormalExit) {
    return {.exitCode = -1, .output = {}, .errors = process.errorString().toUtf8()};
  }
  return {process.exitCode(), process.readAllStandardOutput(), process.readAllStandardError()};
}

/// `input` is what stands on standard input.
inline Outcome run(const QStringList& arguments, const QByteArray& input = {}) {
  QProcess process;
  process.start(cli(), arguments);
  process.write(input);
  process.closeWriteChannel();
  return finish(process);
}

/// A line of bash, in which $CLI is the program and `variables` are set.
inline Outcome shell(const QString& line, const QMap<QString, QString>& variables) {
  QProcess process;
  QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
  environment.insert("CLI", cli());
  for (auto variable = variables.begin(); variable != variables.end(); ++variable) {
    environment.insert(variable.key(), variable.value());
  }
  process.setProcessEnvironment(environment);
  process.start("bash", {"-c", line});
  return finish(process);
}

/// Columns of a table of commands that are refused; checkRefusal() reads them.
inline void addRefusalColumns() {
  QTest::addColumn<QStringList>("arguments");
  QTest::addColumn<int>("exitCode");
  QTest::addColumn<QString>("sentence");
}
/// The command of the row ends with its exit code, one line that has the sentence, and nothing on standard
/// output.
inline void checkRefusal() {
  QFETCH(QStringList, arguments);
  QFETCH(int, exitCode);
  QFETCH(QString, sentence);
  const Outcome outcome = run(arguments);
  QVERIFY2(outcome.exitCode == exitCode, outcome.errors.constData());
  QVERIFY2(outcome.errors.contains(sentence.toUtf8()), outcome.errors.constData());
  QCOMPARE(outcome.errors.count('\n'), 1);
  QVERIFY(outcome.output.isEmpty());
}

inline QString checkpoint(const QString& name) {
  return QString::fromStdString(fixturePath("checkpoints/" + name.toStdString() + ".gguf"));
}

inline QString tokensOf(const QString& name) {
  const auto text = readText(fixturePath("checkpoints/" + name.toStdString() + ".tokens.txt"));
  return QString::fromStdString(text).simplified().replace(' ', ',');
}

/// 3 layers, 8 query heads on 1 KV head, 384 words, with a tokenizer. After token 5 it decodes thousands of
/// tokens without an end.
inline const QString kTiny = "llama-mqa-8x8-f32";

}  // namespace headroom::tests
