#include <QScopeGuard>

#include "core/lanes/device_lanes.h"
#include "tests/app_gui/gui_fixture.h"

using namespace headroom;

/// The first start of the real application with the models that it ships.
class TestBundledStart : public QObject {
  Q_OBJECT

 private slots:
  void decodesByItself() {
    const QtMessageHandler before = qInstallMessageHandler(countComplaint);
    const auto restore = qScopeGuard([&] { qInstallMessageHandler(before); });
    test::GuiFixture page(lanes::deviceLanes());
    page.start();
    // Two seconds are promised without validation layers and on an idle machine; here the limit is for a
    // hang.
    QTRY_VERIFY_WITH_TIMEOUT(page.length(1) > 8 && page.live().frameCount() > 3, 20000);
    qInfo("Text and picture after %lld ms.", page.sinceStart.elapsed());
    QCOMPARE(page.store().lane(0).info().title, std::string("MHA"));
    QCOMPARE(page.store().lane(1).info().title, std::string("MQA"));
    QVERIFY(page.application->session().state().playing);
    QTRY_VERIFY_WITH_TIMEOUT(page.length(0) > 40, 20000);
    const QImage image = page.picture();
    for (const QRectF& lane : {test::kLeftLane, test::kRightLane}) {
      QVERIFY(test::countPixels(image, session::colorOf(session::ColorMap::Viridis, 0.0), lane, 12) > 300);
      QVERIFY(test::countPixels(image, session::colorOf(session::ColorMap::Viridis, 0.95), lane, 24) > 50);
    }
    // What is on screen is what was counted: eight KV heads against one.
    const session::LaneTrace& mha = page.store().lane(0);
    const session::LaneTrace& mqa = page.store().lane(1);
    QCOMPARE(mha.cacheBytesUsed(30), 8 * mqa.cacheBytesUsed(30));
    QCOMPARE(mha.stepAt(30).logical().kvRead, 8 * mqa.stepAt(30).logical().kvRead);
    QCOMPARE(test::validationErrorCount().load(), 0);
    // Nothing that only who starts it in a terminal sees.
    QCOMPARE(s_complaints.join("\n"), QString());
  }

  void switchingModelsFiftyTimesLeaksNothing() {
    test::GuiFixture page(lanes::deviceLanes());
    page.settings.setPace({0.0});
    page.start({"mha"});
    QVERIFY(page.drawn());
    double afterTen = 0.0;
    for (int round = 0; round < 50; ++round) {
      const std::string name = round % 2 == 0 ? "mqa" : "mha";
      page.application->session().setLanes({{name, 0}});
      page.application->session().play();
      QTRY_VERIFY_WITH_TIMEOUT(page.store().laneCount() == 1 &&
                                   page.store().lane(0).info().request.source == name && page.length(0) > 12,
                               20000);
      if (round == 9) afterTen = residentMegabytes();
    }
    const double grown = residentMegabytes() - afterTen;
    // A model with cache and buffers is 49 (MQA) or 76 MB (MHA), and both are there for a moment of a switch,
    // by chance at one of the two looks; forty of them would be 2,500.
    QVERIFY2(grown < 250.0, qPrintable(QString("%1 MB more after 40 switches").arg(grown)));
    QCOMPARE(test::validationErrorCount().load(), 0);
  }

 private:
  inline static QStringList s_complaints;
  static void countComplaint(QtMsgType type, const QMessageLogContext&, const QString& message) {
    if (type != QtInfoMsg && !message.startsWith("QStandardPaths: XDG_RUNTIME_DIR"))
      s_complaints.append(message);
  }

  /// Memory in use by this process, from Linux' proc file system.
  static double residentMegabytes() {
    QFile file("/proc/self/statm");
    if (!file.open(QIODevice::ReadOnly)) return 0.0;
    constexpr double kPageMegabytes = 4096e-6;
    return file.readAll().split(' ').value(1).toDouble() * kPageMegabytes;
  }
};

HEADROOM_GUI_TEST_MAIN(TestBundledStart)
#include "tst_bundled_start.moc"
