#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTest>
#include <algorithm>

#include "app/view/frame_pacer.h"

using namespace headroom::view;

class TestFramePacer : public QObject {
  Q_OBJECT

 private slots:
  /// At full speed data waits for 120 ms; numbers that a sentence beside the picture has too do not.
  void whatWidgetsShowTooIsDrawnAtOnce() {
    FramePacer pacer;
    QSignalSpy due(&pacer, &FramePacer::frameDue);
    pacer.setActivity(Activity::FullSpeed);
    QVERIFY(due.wait(1000));
    pacer.frameBegan();
    QElapsedTimer clock;
    clock.start();
    pacer.requestForData();
    QVERIFY(due.wait(1000));
    QVERIFY2(clock.elapsed() >= 100, qPrintable(QString::number(clock.elapsed())));
    // The quickest of a few tries: a loaded machine may let any of them wait.
    qint64 quickest = 1000;
    for (int attempt = 0; attempt < 8; ++attempt) {
      pacer.frameBegan();
      clock.restart();
      pacer.requestAtOnce();
      QVERIFY(due.wait(1000));
      quickest = std::min(quickest, clock.elapsed());
    }
    QVERIFY2(quickest < 80, qPrintable(QString::number(quickest)));
  }

  /// What comes while nothing is decoded, as a single step, is laid out in one frame and scrolled to in the
  /// next: fails where only one is drawn, or where drawing does not end.
  void whatComesInAPauseIsDrawnUntilItStands() {
    FramePacer pacer;
    QSignalSpy due(&pacer, &FramePacer::frameDue);
    pacer.requestForData();
    for (int frame = 0; frame < 3; ++frame) {
      QVERIFY2(due.wait(1000), qPrintable(QString::number(frame)));
      pacer.frameBegan();
    }
    QVERIFY(!due.wait(200));
  }
};

QTEST_GUILESS_MAIN(TestFramePacer)
#include "tst_frame_pacer.moc"
