#pragma once

#include <QApplication>
#include <QFile>
#include <QFileDialog>
#include <QLineEdit>
#include <QTest>
#include <QTimer>

namespace headroom::test {

/// Types `path` into the next dialog that asks for a file, and saves.
class Answer {
 public:
  explicit Answer(const QString& path) {
    QObject::connect(&m_timer, &QTimer::timeout, [this, path] {
      auto* dialog = qobject_cast<QFileDialog*>(QApplication::activeModalWidget());
      if (!dialog) return;
      m_timer.stop();
      m_title = dialog->windowTitle();
      auto* name = dialog->findChild<QLineEdit*>("fileNameEdit");
      name->setFocus();
      name->setText(path);
      QTest::keyClick(name, Qt::Key_Return);
    });
    m_timer.start(20);
  }
  /// Of the dialog; empty while there was none.
  const QString& title() const { return m_title; }

 private:
  QTimer m_timer;
  QString m_title;
};

inline QStringList linesOf(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly)) return {};
  return QString::fromUtf8(file.readAll()).split('\n', Qt::SkipEmptyParts);
}

}  // namespace headroom::test
