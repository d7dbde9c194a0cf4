#include <QDateTime>
#include <QTest>

#include "core/model/clock.h"

using namespace headroom;

class TestClock : public QObject {
  Q_OBJECT

 private slots:
  void durations() {
    const auto start = model::Clock::now() - std::chrono::seconds(90);
    const double ms = model::millisecondsSince(start);
    QVERIFY(ms >= 90'000.0 && ms < 150'000.0);
    const double seconds = model::secondsSince(start);
    QVERIFY(seconds >= 90.0 && seconds < 150.0);
  }

  void date() {
    const auto read = QDateTime::fromString(QString::fromStdString(model::dateText()), "yyyy-MM-dd HH:mm");
    QVERIFY(read.isValid());
    QVERIFY(std::abs(read.secsTo(QDateTime::currentDateTime())) < 120);
  }
};

QTEST_GUILESS_MAIN(TestClock)
#include "tst_clock.moc"
