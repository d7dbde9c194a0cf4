#include <QTest>

#include "core/model/error.h"
#include "core/model/kernel_plan.h"

using namespace headroom;
using model::KernelFamily;
using model::KernelPlan;
using model::planText;

Q_DECLARE_METATYPE(KernelPlan)

class TestKernelPlan : public QObject {
  Q_OBJECT

 private slots:
  void parses_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<KernelPlan>("plan");
    QTest::newRow("automatic") << "automatic" << KernelPlan{};
    QTest::newRow("packed") << "packed" << KernelPlan{.family = KernelFamily::Packed};
    QTest::newRow("blocks") << "packed,rowBlocks=8"
                            << KernelPlan{.family = KernelFamily::Packed, .rowBlocks = 8};
    QTest::newRow("all of rows") << "rows,invocations=128,attentionWorkgroups=512"
                                 << KernelPlan{.family = KernelFamily::Rows,
                                               .invocations = 128,
                                               .attentionWorkgroups = 512};
    QTest::newRow("merged by the last workgroup")
        << "rows,merging=last"
        << KernelPlan{.family = KernelFamily::Rows, .merging = model::AttentionMerging::LastWorkgroup};
    QTest::newRow("without matrices")
        << "rows,matrices=none"
        << KernelPlan{.family = KernelFamily::Rows, .matrices = model::MatrixUse::None};
    QTest::newRow("merged apart") << "rows,merging=apart"
                                  << KernelPlan{.family = KernelFamily::Rows,
                                                .merging = model::AttentionMerging::Apart};
  }
  void parses() {
    QFETCH(QString, text);
    QFETCH(KernelPlan, plan);
    QVERIFY(model::parsePlan(text.toStdString()) == plan);
  }

  void refusesWhatIsNoPlan_data() {
    QTest::addColumn<QString>("text");
    for (const char* text :
         {"", "fast", "packed,rowBlocks=3", "packed,rowBlocks=16", "packed,rowBlocks=", "rows,x=1",
          "rows,invocations=96", "rows,invocations=32", "rows,attentionWorkgroups=0", "rows,merging=first", "rows,matrices=all",
          "rows,attentionWorkgroups=9999999999"}) {
      QTest::addRow("\"%s\"", text) << text;
    }
  }
  void refusesWhatIsNoPlan() {
    QFETCH(QString, text);
    try {
      model::parsePlan(text.toStdString());
    } catch (const model::Error& error) {
      QVERIFY(QString(error.what()).contains("expected automatic, packed or rows"));
      return;
    }
    QFAIL("no error was thrown");
  }

  void textNamesWhatMattersForTheFamily() {
    QCOMPARE(
        planText(
            {.family = KernelFamily::Packed, .rowBlocks = 4, .invocations = 8, .attentionWorkgroups = 6}),
        std::string("packed, 4 row blocks, 6 attention workgroups"));
    QCOMPARE(
        planText({.family = KernelFamily::Rows, .rowBlocks = 4, .invocations = 64, .attentionWorkgroups = 9}),
        std::string("rows, 64 invocations, 9 attention workgroups"));
    QCOMPARE(planText({.family = KernelFamily::Rows, .matrices = model::MatrixUse::None}),
             std::string("rows, without cooperative matrices"));
    QCOMPARE(planText({.family = KernelFamily::Rows, .merging = model::AttentionMerging::Apart}),
             std::string("rows, merged apart"));
  }
};

QTEST_GUILESS_MAIN(TestKernelPlan)
#include "tst_kernel_plan.moc"
