#include <QSignalSpy>
#include <QTest>

#include "app/session/lane_change.h"
#include "app/session/session_host.h"
#include "app/session/trace_store.h"
#include "core/analysis/divergence.h"
#include "tests/app_session/session_fixture.h"

using namespace headroom;
using test::FakeDecoder;
using test::kContext;
using test::kPromptLength;
using Fixture = test::SessionFixture;

class TestDecodeSession : public QObject {
  Q_OBJECT

 private slots:
  void openingCanBeCancelled() {
    auto factory = std::make_unique<test::FakeLaneOpener>();
    test::FakeLaneOpener& fake = *factory;
    Fixture fixture(std::move(factory));
    fixture.open({"mha"});
    QTRY_COMPARE(fixture.store.laneCount(), 1);
    fake.whileOpening = [&] { fixture.host.cancelOpening(); };
    bool wasOpening = false;
    QObject::connect(&fixture.host, &session::SessionHost::stateChanged, &fixture.host,
                     [&](const session::SessionState& state) { wasOpening |= state.opening.title == "GQA"; });
    fixture.open({"mha", "gqa"});
    QTRY_VERIFY(fixture.textHas("Opening GQA was cancelled."));
    QVERIFY(wasOpening);
    QVERIFY(!fixture.host.state().opening.underWay());
    QCOMPARE(fixture.store.laneCount(), 1);
    fake.whileOpening = nullptr;
    fixture.open({"mha", "gqa"});
    QTRY_COMPARE(fixture.store.laneCount(), 2);
  }

  void aTraceLeadsInLockstep() {
    Fixture fixture;
    fixture.open({"mha", "trace"});
    QTRY_COMPARE(fixture.store.laneCount(), 2);
    // Both lanes begin with the recorded prompt of 3 tokens and go on as recorded, to its end.
    QTRY_COMPARE(fixture.length(0), 3);
    fixture.host.play();
    fixture.host.setPace({0.0});
    QTRY_VERIFY(fixture.textHas("was recorded up to here"));
    for (int lane : {0, 1}) {
      QCOMPARE(fixture.length(lane), 8);
      const auto fed = fixture.store.lane(lane).tokens();
      const std::vector<int> tokens(fed.begin(), fed.end());
      QCOMPARE(tokens, test::kScript);
    }
    QVERIFY(fixture.store.lane(1).info().card.isTrace);
  }

  /// Rows that a trace does not hold are not there, neither captured nor on request; the card says so.
  void whatATraceDoesNotHoldIsNotShown() {
    auto factory = std::make_unique<test::FakeLaneOpener>();
    factory->recorded = model::RecordedPart{.layers = {0}, .firstRow = 4, .rowCount = 2};
    Fixture fixture(std::move(factory));
    fixture.open({"trace"});
    QTRY_COMPARE(fixture.store.laneCount(), 1);
    fixture.host.play();
    fixture.host.setPace({0.0});
    QTRY_VERIFY(fixture.textHas("was recorded up to here"));
    const session::LaneTrace& lane = fixture.store.lane(0);
    for (int position = 0; position < 8; ++position) {
      QCOMPARE(lane.attentionRow(0, 1, position).empty(), position < 4 || position > 5);
    }
    bool isSaid = false;
    for (const analysis::CardRow& row : lane.info().card.rows()) {
      isSaid = isSaid || row.value.find("the rows of positions 4 to 5 of 8") != std::string::npos;
    }
    QVERIFY(isSaid);
  }

  void opensAndPrefillsWithoutPlaying() {
    Fixture fixture;
    fixture.open({"mha", "mqa"});
    QTRY_COMPARE(fixture.store.length(), kPromptLength);
    QTest::qWait(50);
    QCOMPARE(fixture.store.length(), kPromptLength);
    QCOMPARE(fixture.store.lane(1).info().config.attention.kvHeadCount, 1);
    QCOMPARE(fixture.store.lane(1).info().title, std::string("MQA"));
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

  /// Fails where one lane's limit is quoted for another.
  void everyLaneHasItsOwnContextLimit() {
    Fixture fixture;
    fixture.host.setPace({0.0});
    fixture.host.setLanes({{"mha", 0, {}}, {"mqa", 1, {.contextLength = 32}}});
    fixture.host.play();
    QTRY_COMPARE(fixture.length(0), kContext);
    QTRY_VERIFY(fixture.host.state().finished);
    QVERIFY2(fixture.textHas("MQA has reached the context limit of 32 tokens."),
             qPrintable(fixture.messages.join('\n')));
    QVERIFY(fixture.textHas("MHA has reached the context limit of 64 tokens."));
    QCOMPARE(fixture.length(1), 32);
    // Of lanes that get there with the same token, each has its own number.
    QCOMPARE(session::contextFullSentence({{512, {"MHA", "MQA"}}, {1024, {"GQA"}}}),
             std::string("MHA and MQA have reached the context limit of 512 tokens, GQA has reached that of "
                         "1,024. Press play to decode again from the prompt."));
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
    QSignalSpy batches(&fixture.host, &session::SessionHost::stepsArrived);
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
    QVERIFY(fixture.textHas("fails-at-20: the file is gone"));
    QCOMPARE(fixture.store.lane(0).length(), 20);
  }

  /// It does not begin with the prompt again.
  void playTriesAgainWhatFailed() {
    Fixture fixture;
    fixture.host.setPace({0.0});
    fixture.open({"fails-once-at-20"});
    fixture.host.play();
    QTRY_VERIFY(fixture.textHas("the file is gone Press play to try again from there."));
    QTRY_VERIFY(fixture.host.state().finished);
    QSignalSpy restarts(&fixture.host, &session::SessionHost::restarted);
    fixture.host.play();
    QTRY_COMPARE(fixture.length(0), kContext);
    QCOMPARE(restarts.count(), 0);
    QCOMPARE(fixture.messages.filter("the file is gone").size(), 1);
    QTRY_VERIFY(fixture.host.state().finished);
    // An end of another kind: play begins anew.
    fixture.host.play();
    QTRY_COMPARE(restarts.count(), 1);
  }

  /// A lane whose new cache fits only in place of its old one; and one that does not fit at all.
  void memoryOfLanesThatGoIsThereForTheNew() {
    auto opener = std::make_unique<test::FakeLaneOpener>();
    opener->room = 100;
    Fixture fixture(std::move(opener));
    fixture.open({"mha"});
    QTRY_COMPARE(fixture.length(0), kPromptLength);
    for (int step = 0; step < 5; ++step) fixture.host.stepOne();
    QTRY_COMPARE(fixture.length(0), kPromptLength + 5);
    const std::vector<int> read(fixture.store.lane(0).tokens().begin(), fixture.store.lane(0).tokens().end());
    const auto showsTheText = [&] {
      const auto tokens = fixture.store.lane(0).tokens();
      return std::ranges::equal(tokens, read);
    };
    session::LaneRequest lane{.source = "mha", .colorIndex = 0, .options = {.contextLength = 96}};
    QSignalSpy settled(&fixture.host, &session::SessionHost::lanesSettled);
    fixture.host.setLanes({lane});
    QTRY_COMPARE(settled.count(), 1);
    QCOMPARE(fixture.store.laneCount(), 1);
    QCOMPARE(fixture.store.lane(0).info().contextLength, 96);
    QTRY_VERIFY(showsTheText());
    QVERIFY(fixture.textHas("closed first"));
    QVERIFY(!fixture.textHas("does not fit"));

    lane.options.contextLength = 101;
    fixture.host.setLanes({lane});
    QTRY_COMPARE(settled.count(), 2);
    QVERIFY(fixture.textHas("The cache does not fit."));
    QCOMPARE(fixture.store.laneCount(), 1);
    QCOMPARE(fixture.store.lane(0).info().contextLength, 96);
    QTRY_VERIFY(showsTheText());
    fixture.host.stepOne();
    QTRY_COMPARE(fixture.length(0), kPromptLength + 6);
  }

  void aLaneThatOverflowsKeepsItsText() {
    Fixture fixture;
    fixture.host.setPace({0.0});
    fixture.host.setFeed(session::TokenFeed::FreeRun);
    fixture.open({"overflows-at-20", "mha"});
    fixture.host.play();
    QTRY_COMPARE(fixture.length(1), kContext);
    QVERIFY2(
        fixture.textHas("overflows-at-20: There is no next token after position 20: ffn_down of layer 1 is "
                        "the first stage that gave NaN"),
        qPrintable(fixture.messages.join('\n')));
    QCOMPARE(fixture.length(0), 20);
    const auto tokens = fixture.store.lane(0).tokens();
    QCOMPARE(tokens[19], FakeDecoder::tokenFor(19, {}));
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

  void optionsReachTheDecoder() {
    Fixture fixture;
    const session::LaneOptions options{.kvType = model::KvType::F16,
                                       .batch = 4,
                                       .contextLength = 100,
                                       .attention = model::AttentionKernel::Naive};
    fixture.host.setLanes({{"mqa", 0, options}, {"mqa", 1, {}}});
    QTRY_COMPARE(fixture.length(1), kPromptLength);
    const session::LaneTrace& naive = fixture.store.lane(0);
    QCOMPARE(naive.info().kvType, model::KvType::F16);
    QCOMPARE(naive.info().batch, 4);
    QCOMPARE(naive.info().contextLength, 100);
    QCOMPARE(naive.info().attention, model::AttentionKernel::Naive);
    // 2 x 3 layers x 1 head x 16 x 2 B x 4 sequences per position.
    QCOMPARE(naive.cacheBytesUsed(9), std::uint64_t{kPromptLength * 2 * 3 * 16 * 2 * 4});
    fixture.host.stepOne();
    QTRY_COMPARE(fixture.length(1), kPromptLength + 1);
    // The same text, eight times the loads.
    QCOMPARE(naive.measured(kPromptLength).kvReuse(), 8.0);
    QCOMPARE(fixture.store.lane(1).measured(kPromptLength).kvReuse(), 1.0);
    QVERIFY(std::equal(naive.tokens().begin(), naive.tokens().end(), fixture.store.lane(1).tokens().begin()));
    // Other options are another engine; the lane that stays keeps its own.
    QSignalSpy lanes(&fixture.host, &session::SessionHost::lanesChanged);
    fixture.host.setLanes({{"mqa", 0, {}}, {"mqa", 1, {}}});
    QTRY_COMPARE(lanes.count(), 1);
    QTRY_COMPARE(fixture.store.lane(0).info().attention, model::AttentionKernel::Shared);
  }

  void fillsTheContextWithThePromptsText() {
    Fixture fixture;
    fixture.host.setLanes({{"long", 0, {}}, {"mqa", 1, {.contextLength = 1500}}});
    fixture.host.setLanesFilled(fixture.host.lanes(), 1200);
    QTRY_COMPARE_WITH_TIMEOUT(fixture.length(1), 1200, 60000);
    QTRY_COMPARE(fixture.length(0), 1200);
    QTRY_VERIFY(!fixture.host.state().filling.underWay());
    QCOMPARE(fixture.host.state().filling.total, 2400);
    const session::LaneTrace& lane = fixture.store.lane(1);
    QCOMPARE(lane.promptLength(), 1200);
    // The prompt, then a space and the prompt again and again.
    for (const int position : {kPromptLength, kPromptLength + 1, 700, 1199}) {
      const int within = (position - kPromptLength) % (kPromptLength + 1);
      QCOMPARE(lane.tokens()[static_cast<std::size_t>(position)],
               within == 0 ? ' ' : lane.tokens()[static_cast<std::size_t>(within - 1)]);
    }
    // One choice, after the last block.
    QCOMPARE(lane.choices()[1199], -1);
    QCOMPARE(static_cast<int>(lane.choices().size()), 1201);
    fixture.host.stepOne();
    QTRY_COMPARE(fixture.length(1), 1201);
    QCOMPARE(lane.tokens()[1200], FakeDecoder::tokenFor(1200, {}));
    // Never beyond what leaves 128 positions of the smallest context, 1,500, to decode in.
    fixture.host.setLanesFilled(fixture.host.lanes(), 5000);
    QTRY_COMPARE_WITH_TIMEOUT(fixture.length(0), 1372, 20000);
    QTRY_COMPARE(fixture.length(1), 1372);
    fixture.host.setLanesFilled(fixture.host.lanes(), 0);
    QTRY_COMPARE(fixture.length(0), kPromptLength);
  }

  /// The first decode step and every eighth, at the same positions in all lanes; parts are there from the first
  /// on.
  void someStepsHaveTheirStagesTimed() {
    Fixture fixture;
    fixture.open({"mha", "mqa"});
    QTRY_COMPARE(fixture.length(1), kPromptLength);
    fixture.host.stepOne();
    QTRY_COMPARE(fixture.length(1), kPromptLength + 1);
    QVERIFY(fixture.store.lane(1).measured(kPromptLength).hasTimeStamps());
    fixture.host.setPace({0.0});
    fixture.host.play();
    QTRY_COMPARE(fixture.length(1), kContext);
    for (const int lane : {0, 1}) {
      for (const model::StepRecord& step : fixture.store.lane(lane).decodeSteps(kContext - 1))
        QCOMPARE(step.gpuTimeMs() > 0.0, step.position == kPromptLength || step.position % 8 == 0);
    }
    const analysis::LaneMeasurement last = fixture.store.lane(1).measured(kContext - 1);
    QVERIFY(last.timedCount >= 4 && last.timedCount < last.stepCount);
    QVERIFY(std::abs(last.stagesMs() + last.overhead.totalMs() - last.stepMs) < 1e-9);
  }

  void fillingIsInterrupted() {
    Fixture fixture;
    // 200 ms per block of 64: the 47 blocks take longer than any QTRY here waits.
    fixture.host.setLanes({{"slow", 0, {.contextLength = 4000}}});
    fixture.host.setLanesFilled(fixture.host.lanes(), 3000);
    QTRY_VERIFY(fixture.host.state().filling.underWay() && fixture.length(0) >= 64);
    QVERIFY(fixture.length(0) < 1000);
    fixture.host.stopFilling();
    QTRY_VERIFY(!fixture.host.state().filling.underWay());
    const int filled = fixture.length(0);
    QVERIFY(filled < 1500);
    fixture.host.stepOne();
    QTRY_COMPARE(fixture.length(0), filled + 1);
    QCOMPARE(fixture.store.lane(0).promptLength(), filled);
    // Another request wins too.
    fixture.host.restart();
    QTRY_VERIFY(fixture.host.state().filling.underWay());
    fixture.open({"mha"});
    QTRY_VERIFY(fixture.store.lane(0).info().title == "MHA");
  }

  void longRowsComePooledAndAreReplayedWhole() {
    Fixture fixture;
    fixture.host.setLanes({{"mha", 0, {.contextLength = 1500}}});
    fixture.host.setLanesFilled(fixture.host.lanes(), 1300);
    QTRY_COMPARE_WITH_TIMEOUT(fixture.length(0), 1300, 60000);
    const session::LaneTrace& lane = fixture.store.lane(0);
    constexpr int kPosition = 1250;
    QCOMPARE(static_cast<int>(lane.attentionRow(1, 3, 1000).size()), 1001);
    QVERIFY(lane.attentionRow(1, 3, kPosition).empty());
    const session::PooledRow pooled = lane.pooledRow(1, 3, kPosition);
    QCOMPARE(pooled.pooling, 8);
    QCOMPARE(static_cast<int>(pooled.values.size()), (kPosition + 8) / 8);
    // Head 3 looks 4 back: position 1246 is in value 155.
    QCOMPARE(pooled.values[155], FakeDecoder::attentionFor(3, kPosition, 1246));
    QCOMPARE(lane.overview(1, 3).positionCount(), 1300);
    const auto from = lane.tokens().begin() + kPosition;
    fixture.host.requestRows({.run = fixture.store.run(),
                              .lane = 0,
                              .layer = 1,
                              .queryHead = 3,
                              .firstPosition = kPosition,
                              .tokens = {from, from + 2}});
    QTRY_COMPARE(static_cast<int>(lane.attentionRow(1, 3, kPosition).size()), kPosition + 1);
    for (const int attended : {0, 700, 1246, 1250}) {
      QCOMPARE(lane.attentionRow(1, 3, kPosition)[static_cast<std::size_t>(attended)],
               FakeDecoder::attentionFor(3, kPosition, attended));
    }
    QCOMPARE(fixture.length(0), 1300);
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
