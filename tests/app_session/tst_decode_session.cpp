#include <QSignalSpy>
#include <QtTest>

#include "app/session/session_host.h"
#include "app/session/trace_store.h"
#include "tests/app_session/fake_lanes.h"

using namespace headroom;
using test::FakeDecoder;

namespace {

/// A session with its store, as the application wires them.
struct Fixture {
  session::TraceStore store;
  session::SessionHost host;
  QStringList messages;

  explicit Fixture(std::unique_ptr<session::LaneFactory> factory = std::make_unique<test::FakeLaneFactory>())
      : host(std::move(factory)) {
    QObject::connect(&host, &session::SessionHost::ceilingsChanged, &store,
                     &session::TraceStore::setCeilings);
    QObject::connect(&host, &session::SessionHost::lanesChanged, &store, &session::TraceStore::setLanes);
    QObject::connect(&host, &session::SessionHost::restarted, &store, &session::TraceStore::restart);
    QObject::connect(&host, &session::SessionHost::stepsReady, &store, &session::TraceStore::append);
    QObject::connect(&host, &session::SessionHost::stateChanged, &store,
                     [this](const session::SessionState& state) { store.setFeed(state.feed); });
    QObject::connect(&host, &session::SessionHost::message, &store, [this](const session::Message& message) {
      messages.append(QString::fromStdString(message.sentence));
    });
    host.setPrompt("It is a truth");
  }
  void open(const std::vector<std::string>& sources) {
    std::vector<session::LaneRequest> lanes;
    for (const std::string& source : sources) lanes.push_back({source, static_cast<int>(lanes.size())});
    host.setLanes(lanes);
  }
  int length(int lane) { return lane < store.laneCount() ? store.lane(lane).length() : 0; }
  bool textHas(const std::string& text) { return messages.join('\n').contains(QString::fromStdString(text)); }
};

constexpr int kPromptLength = 13;
constexpr int kContext = 64;

}  // namespace

class TestDecodeSession : public QObject {
  Q_OBJECT

 private slots:
  void opensAndPrefillsWithoutPlaying() {
    Fixture fixture;
    fixture.open({"mha", "mqa"});
    QTRY_COMPARE(fixture.store.length(), kPromptLength);
    QTest::qWait(50);
    QCOMPARE(fixture.store.length(), kPromptLength);
    QCOMPARE(fixture.store.lane(1).info().config.attention.kvHeadCount, 1);
    QCOMPARE(fixture.store.lane(1).info().title, std::string("MQA"));
  }

  void keptCeilingsComeWithTheFirstLanes() {
    Fixture fixture;
    QTest::qWait(50);
    QVERIFY(!fixture.store.ceilings().known());
    QSignalSpy changed(&fixture.store, &session::TraceStore::changed);
    fixture.open({"mha"});
    QTRY_VERIFY(fixture.store.ceilings().known());
    QCOMPARE(fixture.store.ceilings().date, std::string("2026-01-01 10:00"));
    QVERIFY(!changed.isEmpty());
    QVERIFY(fixture.messages.isEmpty());
    // Measured anew on request, and that is said because decoding pauses.
    fixture.host.measureCeilings();
    QTRY_COMPARE(fixture.store.ceilings().date, std::string("2026-02-02 11:00"));
    QVERIFY(fixture.textHas("Measuring what this device reaches"));
    QCOMPARE(fixture.store.length(), kPromptLength);
  }

  void unknownCeilingsAreMeasuredAfterTheFirstText() {
    auto factory = std::make_unique<test::FakeLaneFactory>();
    factory->keepsCeilings = false;
    Fixture fixture(std::move(factory));
    fixture.host.setPace({50.0});
    fixture.open({"long"});
    fixture.host.play();
    QTRY_VERIFY(fixture.store.length() > kPromptLength + 5);
    QVERIFY(!fixture.store.ceilings().known());
    QTRY_COMPARE(fixture.store.ceilings().date, std::string("2026-02-02 11:00"));
    const int length = fixture.store.length();
    QTRY_VERIFY(fixture.store.length() > length);  // and decoding goes on
  }

  void stepsOneTokenEach() {
    Fixture fixture;
    fixture.open({"mha", "mqa"});
    for (int count = 0; count < 3; ++count) fixture.host.stepOne();
    QTRY_COMPARE(fixture.store.length(), kPromptLength + 3);
    QTest::qWait(50);
    QCOMPARE(fixture.store.lane(0).length(), kPromptLength + 3);
    QCOMPARE(fixture.store.lane(1).length(), kPromptLength + 3);
  }

  void stopsAtTheContextLimitWithOneSentence() {
    Fixture fixture;
    fixture.host.setPace({0.0});
    fixture.open({"mha", "mqa"});
    fixture.host.play();
    QTRY_COMPARE(fixture.store.length(), kContext);
    QTRY_VERIFY(fixture.textHas("MHA and MQA have reached the context limit of 64 tokens."));
    QCOMPARE(fixture.messages.size(), 1);
    QTRY_VERIFY(fixture.host.state().finished);
    QVERIFY(!fixture.host.state().playing);
    // Playing again decodes again.
    fixture.host.setPace({20.0});
    fixture.host.play();
    QTRY_VERIFY(fixture.store.length() < kContext);
    QTRY_VERIFY(fixture.host.state().playing);
  }

  void paceIsKept() {
    Fixture fixture;
    fixture.host.setPace({50.0});
    fixture.open({"long"});
    QTRY_COMPARE(fixture.store.length(), kPromptLength);
    fixture.host.play();
    QTest::qWait(1000);
    const int decoded = fixture.store.length() - kPromptLength;
    QVERIFY2(decoded >= 40 && decoded <= 52, qPrintable(QString("%1 tokens in a second").arg(decoded)));
  }

  void fullSpeedComesInBatches() {
    Fixture fixture;
    QSignalSpy batches(&fixture.host, &session::SessionHost::stepsReady);
    fixture.host.setPace({0.0});
    fixture.open({"long"});
    fixture.host.play();
    QTRY_COMPARE_WITH_TIMEOUT(fixture.store.length(), 2048, 60000);
    QVERIFY2(batches.count() < 2048 / 4, qPrintable(QString("%1 batches").arg(batches.count())));
  }

  void lockstepFeedsLaneOnesChoice() {
    Fixture fixture;
    fixture.host.setPace({0.0});
    fixture.open({"mha", "differs-at-20"});
    fixture.host.play();
    QTRY_COMPARE(fixture.store.length(), kContext);
    const auto first = fixture.store.lane(0).tokens();
    const auto second = fixture.store.lane(1).tokens();
    QVERIFY(std::equal(first.begin(), first.end(), second.begin(), second.end()));
    QCOMPARE(fixture.store.lane(1).choices()[20], second[20] + 1);
    QCOMPARE(fixture.store.divergence(1), std::optional<int>(20));
  }

  void freeRunFeedsItsOwnChoice() {
    Fixture fixture;
    fixture.host.setPace({0.0});
    fixture.host.setFeed(session::TokenFeed::FreeRun);
    fixture.open({"mha", "differs-at-20"});
    fixture.host.play();
    QTRY_COMPARE(fixture.length(1), kContext);
    QCOMPARE(fixture.store.lane(1).tokens()[20], FakeDecoder::tokenFor(20, {}) + 1);
    QCOMPARE(fixture.store.divergence(1), std::optional<int>(20));
  }

  void lockstepNeedsOneVocabulary() {
    Fixture fixture;
    fixture.open({"mha", "no-tokenizer"});
    QTRY_VERIFY(fixture.textHas("different tokenizers"));
    QCOMPARE(fixture.store.feed(), session::TokenFeed::FreeRun);
    QTRY_VERIFY(fixture.textHas("must be token ids"));
  }

  void aFileThatDoesNotOpenLeavesTheLanes() {
    Fixture fixture;
    fixture.open({"mha"});
    fixture.host.stepOne();
    QTRY_COMPARE(fixture.store.length(), kPromptLength + 1);
    fixture.open({"mha", "missing.gguf"});
    QTRY_VERIFY(fixture.textHas("missing.gguf: no such file"));
    QCOMPARE(fixture.store.laneCount(), 1);
    QCOMPARE(fixture.store.length(), kPromptLength + 1);
  }

  void aFailureWhileDecodingKeepsTheText() {
    Fixture fixture;
    fixture.host.setPace({0.0});
    fixture.host.setFeed(session::TokenFeed::FreeRun);
    fixture.open({"fails-at-20", "mha"});
    fixture.host.play();
    QTRY_COMPARE(fixture.length(1), kContext);
    QVERIFY(fixture.textHas("fails-at-20: the device was lost"));
    QCOMPARE(fixture.store.lane(0).length(), 20);
  }

  void aLaterRequestReplacesAWaitingOne() {
    Fixture fixture;
    QSignalSpy lanes(&fixture.host, &session::SessionHost::lanesChanged);
    fixture.open({"slow"});
    fixture.host.play();
    QTRY_COMPARE(lanes.count(), 1);
    fixture.open({"mha"});
    fixture.open({"gqa"});
    fixture.open({"mqa"});
    QTRY_VERIFY(fixture.store.laneCount() == 1 && fixture.store.lane(0).info().title == "MQA");
    QVERIFY2(lanes.count() <= 3, qPrintable(QString::number(lanes.count())));
  }

  void endsWhileDecoding() {
    for (int round = 0; round < 5; ++round) {
      Fixture fixture;
      fixture.host.setPace({0.0});
      fixture.open({"long", "mqa"});
      fixture.host.play();
      QTRY_VERIFY(fixture.store.length() > kPromptLength);
    }
  }

  void emptyPromptIsASentence() {
    Fixture fixture;
    fixture.host.setPrompt("");
    fixture.open({"mha"});
    QTRY_VERIFY(fixture.textHas("the prompt is empty"));
  }
};

QTEST_GUILESS_MAIN(TestDecodeSession)
#include "tst_decode_session.moc"
