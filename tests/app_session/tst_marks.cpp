#include <QTest>

#include "core/analysis/divergence.h"
#include "tests/app_session/session_fixture.h"

using namespace headroom;
using test::kContext;
using test::kPromptLength;
using Fixture = test::SessionFixture;

/// What a lane would have said instead of what it was fed.
class TestMarks : public QObject {
  Q_OBJECT

 private slots:
  /// Marks are of what a lane was fed, whoever led: of a lane that leads from some token on the earlier ones
  /// stay, and its own choices are none.
  void marksStayRightWhenAnotherLaneLeads() {
    Fixture fixture;
    fixture.host.setPace({0.0});
    fixture.host.setLanes({{"mha", 0, {.contextLength = 30}},
                           {"differs-at-20", 1, {}},
                           {"differs-at-40", 2, {}},
                           {"mqa", 3, {}}});
    fixture.host.play();
    QTRY_COMPARE(fixture.length(3), kContext);
    QTRY_VERIFY(fixture.host.state().finished);
    QCOMPARE(fixture.length(0), 30);
    const auto otherChoices = [&](int lane) {
      const session::LaneTrace& trace = fixture.store.lane(lane);
      std::vector<int> positions;
      for (int position = 0; position < trace.length(); ++position) {
        const auto at = static_cast<std::size_t>(position);
        if (analysis::isOtherChoice(trace.choices()[at], trace.tokens()[at])) positions.push_back(position);
      }
      return positions;
    };
    // mha leads up to position 30, then the second lane.
    QCOMPARE(otherChoices(0), std::vector<int>{});
    QCOMPARE(otherChoices(1), std::vector<int>{20});
    QCOMPARE(otherChoices(2), std::vector<int>{40});
    QCOMPARE(otherChoices(3), std::vector<int>{});
    // With the leader gone the third lane, in front, goes on with its own choices; what was fed stays fed.
    fixture.host.setLanes({{"differs-at-40", 2, {}}});
    QTRY_COMPARE(fixture.store.laneCount(), 1);
    QCOMPARE(otherChoices(0), std::vector<int>{40});
    QCOMPARE(fixture.store.divergence(0), std::optional<int>(40));
    QVERIFY(fixture.store.marksOtherChoices());
    // Another model begins from the prompt.
    fixture.host.setLanes({{"mha", 0, {}}});
    QTRY_COMPARE(fixture.length(0), kPromptLength);
    QVERIFY(!fixture.store.marksOtherChoices());
  }

  /// Which came first is known of a lane that made all choices; one that came later has its marks alone.
  void whereALateLaneFirstDifferedIsNotKnown() {
    Fixture fixture;
    fixture.host.setPace({0.0});
    fixture.open({"mha", "differs-at-40"});
    fixture.host.play();
    QTRY_COMPARE(fixture.length(1), kContext);
    QTRY_VERIFY(fixture.host.state().finished);
    QCOMPARE(fixture.store.divergence(1), std::optional<int>(40));
    fixture.host.setLanes({{"mha", 0, {}}, {"differs-at-40", 1, {}}, {"differs-at-40", 2, {}}});
    QTRY_COMPARE(fixture.length(2), kContext);
    // The last 32 of its tokens were decode steps.
    QVERIFY(analysis::isOtherChoice(fixture.store.lane(2).choices()[40], fixture.store.lane(2).tokens()[40]));
    QVERIFY(!fixture.store.divergence(2));
    QCOMPARE(fixture.store.divergence(1), std::optional<int>(40));
  }
};

QTEST_GUILESS_MAIN(TestMarks)
#include "tst_marks.moc"
