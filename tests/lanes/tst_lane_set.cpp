#include <QTest>

#include "tests/lanes/lane_fixture.h"

using namespace headroom;
using lanes::Apart;
using lanes::LaneSet;
using lanes::StopReason;
using test::FakeDecoder;
using test::kPrompt;
using test::Lanes;
using test::sampled;

class TstLaneSet : public QObject {
  Q_OBJECT

 private slots:
  void lockstepFeedsWhatTheFirstChooses() {
    Lanes lanes;
    lanes.arrange({{-1, "mha"}, {-1, "differs-at-20"}});
    lanes.decode(30);
    QCOMPARE(lanes.text(0), lanes.text(1));
    QCOMPARE(std::ssize(lanes.text(1)), std::ptrdiff_t{35});
    QCOMPARE(lanes.text(1)[20], FakeDecoder::tokenFor(20, {}));
    // What the second would have said instead is told with the step before.
    const auto told = std::ranges::find_if(lanes.steps, [](const lanes::LaneStep& step) {
      return step.lane == 1 && step.record.position == 19;
    });
    QCOMPARE(told->choice, FakeDecoder::tokenFor(20, {}) + 1);
    QVERIFY(!told->isFilling);
    QCOMPARE(told->promptLength, 5);
    // Its logits behind position 19: 8 for its own choice, 4 for token 40, 0 for the rest, where ids decide.
    const double sum = std::exp(8.0) + std::exp(4.0) + test::FakeTokenizer::kVocabSize - 2;
    QCOMPARE(told->chosen.token, told->choice);
    QCOMPARE(told->chosen.rank, 1);
    QVERIFY(std::abs(told->chosen.probability - std::exp(8.0) / sum) < 1e-6);
    const auto fed = std::ranges::find_if(lanes.steps, [](const lanes::LaneStep& step) {
      return step.lane == 1 && step.record.position == 20;
    });
    QCOMPARE(fed->fed.token, 276);
    QCOMPARE(fed->fed.rank, 2 + 275 + 1);
    QVERIFY(std::abs(fed->fed.probability - 1.0 / sum) < 1e-9);
    // Where it was fed its own choice, that is the one.
    QCOMPARE((fed + 2)->fed, fed->chosen);
  }

  /// What disturbs the lane that goes first disturbs each of them as often.
  void lanesTakeTurnsAtGoingFirst() {
    Lanes lanes;
    lanes.arrange({{-1, "mha"}, {-1, "gqa"}, {-1, "mqa"}});
    lanes.steps.clear();
    lanes.decode(6);
    std::vector<int> wentFirst(3);
    for (std::size_t step = 0; step < lanes.steps.size(); step += 3)
      ++wentFirst[static_cast<std::size_t>(lanes.steps[step].lane)];
    QCOMPARE(wentFirst, (std::vector<int>{2, 2, 2}));
  }

  void freeRunFeedsEachItsOwn() {
    Lanes lanes({.feed = lanes::TokenFeed::FreeRun});
    lanes.arrange({{-1, "mha"}, {-1, "differs-at-20"}});
    lanes.decode(30);
    QCOMPARE(lanes.text(1)[20], FakeDecoder::tokenFor(20, {}) + 1);
  }

  void textsAreFedInBlocks() {
    Lanes lanes;
    std::vector<LaneSet::Place> places(1);
    places.front().engine = lanes.open("long");
    lanes.set.arrange(std::move(places), [](int) { return std::vector<int>(150, 7); });
    QCOMPARE(lanes.set.fillingState().total, 150);
    QCOMPARE(lanes.set.fillingState().length, 150);
    lanes.fill();
    QCOMPARE(std::ssize(lanes.steps), std::ptrdiff_t{3});
    QCOMPARE(lanes.steps[0].choice, -1);
    QCOMPARE(lanes.steps[2].choice, FakeDecoder::tokenFor(150, {}));
    QVERIFY(lanes.steps[2].isFilling);
    QVERIFY(!lanes.set.fillingState().underWay());
    QCOMPARE(lanes.set.fillingState().done, 150);
  }

  void stopReasons_data() {
    QTest::addColumn<QString>("source");
    QTest::addColumn<int>("maxTokens");
    QTest::addColumn<QString>("reason");
    QTest::addColumn<int>("length");
    QTest::newRow("as many as asked for") << "mha" << 9 << "max_tokens" << 14;
    QTest::newRow("the cache is full") << "mha" << 1000 << "context_full" << 64;
    QTest::newRow("it ends its text") << "ends-at-30" << 1000 << "end_token" << 30;
    QTest::newRow("it fails") << "fails-at-20" << 1000 << "failed" << 20;
    QTest::newRow("a trace ends") << "trace" << 1000 << "record_end" << 8;
  }
  void stopReasons() {
    QFETCH(QString, source);
    QFETCH(int, maxTokens);
    QFETCH(QString, reason);
    QFETCH(int, length);
    Lanes lanes({.maxTokens = maxTokens});
    lanes.arrange({{-1, source.toStdString()}});
    while (!lanes.set.finished()) lanes.set.step();
    QCOMPARE(QString::fromUtf8(lanes::shortName(*lanes.set.lane(0).stopReason).data()), reason);
    QCOMPARE(static_cast<int>(std::ssize(lanes.text(0))), length);
    QCOMPARE(lanes.set.lane(0).fed(), length);
    QCOMPARE(lanes.stopped, std::vector<int>{0});
    QCOMPARE(static_cast<bool>(lanes.set.lane(0).error), reason == "failed");
  }

  /// The end token is fed like any other, to those that follow as well. Fails where it is left out, where
  /// only the leader is fed it, and where it stops somebody.
  void theNextTextBeginsWhereOneEnds() {
    for (const auto feed : {lanes::TokenFeed::Lockstep, lanes::TokenFeed::FreeRun}) {
      Lanes lanes({.feed = feed, .whenTextEnds = lanes::WhenTextEnds::GoOn});
      lanes.arrange({{-1, "ends-at-30"}, {-1, "ends-at-30"}});
      while (!lanes.set.finished()) lanes.set.step();
      for (int lane = 0; lane < 2; ++lane) {
        QVERIFY(lanes.set.lane(lane).stopReason == StopReason::ContextFull);
        QCOMPARE(lanes.set.lane(lane).fed(), 64);
        QCOMPARE(lanes.text(lane)[29], FakeDecoder::tokenFor(29, {}));
        QCOMPARE(lanes.text(lane)[30], test::FakeTokenizer::kEndToken);
        QCOMPARE(lanes.text(lane)[31], FakeDecoder::tokenFor(31, {}));
      }
    }
  }

  /// Lanes that have stopped at a text's end go on where they are, and make there the choices of a run that
  /// never stopped.
  void whoStoppedAtATextsEndCanGoOn() {
    LaneSet::Options options{.sampling = {.temperature = 1.2f, .seed = 7}};
    Lanes stopped(options);
    options.whenTextEnds = lanes::WhenTextEnds::GoOn;
    Lanes undisturbed(options);
    for (Lanes* lanes : {&stopped, &undisturbed}) {
      lanes->arrange({{-1, "ends-at-30"}, {-1, "mha"}});
      while (!lanes->set.finished()) lanes->set.step();
    }
    QVERIFY(stopped.set.lane(0).stopReason == StopReason::EndToken);
    QVERIFY(stopped.set.lane(1).stopReason == StopReason::EndToken);
    QCOMPARE(stopped.set.lane(0).fed(), 30);
    stopped.set.setWhenTextEnds(lanes::WhenTextEnds::Stop);
    QVERIFY(stopped.set.finished());
    stopped.set.setWhenTextEnds(lanes::WhenTextEnds::GoOn);
    QVERIFY(!stopped.set.finished());
    while (!stopped.set.finished()) stopped.set.step();
    QCOMPARE(stopped.text(0), undisturbed.text(0));
    QCOMPARE(stopped.text(1), undisturbed.text(1));
    QCOMPARE(stopped.set.lane(0).fed(), 64);
  }

  void inLockstepOthersGoOnOrStop() {
    for (const auto rule : {lanes::WhenOneStops::OthersGoOn, lanes::WhenOneStops::AllStop}) {
      Lanes lanes({.whenOneStops = rule});
      std::vector<LaneSet::Place> places(2);
      places[0].engine = lanes.open("mha");
      places[1].engine = lanes.open("mqa", {.contextLength = 32});
      lanes.set.arrange(std::move(places), lanes.prompts());
      lanes.fill();
      while (!lanes.set.finished()) lanes.set.step();
      const bool goesOn = rule == lanes::WhenOneStops::OthersGoOn;
      QCOMPARE(static_cast<int>(std::ssize(lanes.text(0))), goesOn ? 64 : 32);
      QCOMPARE(static_cast<int>(std::ssize(lanes.text(1))), 32);
    }
  }

  /// A leader whose cache is full, or that fails, does not end the others' text.
  void anotherLaneLeadsWhereTheFirstCannot() {
    Lanes lanes;
    std::vector<LaneSet::Place> places(3);
    places[0].engine = lanes.open("mha", {.contextLength = 32});
    places[1].engine = lanes.open("fails-at-40");
    places[2].engine = lanes.open("mqa");
    lanes.set.arrange(std::move(places), lanes.prompts());
    lanes.fill();
    while (!lanes.set.finished()) lanes.set.step();
    QVERIFY(lanes.set.lane(0).stopReason == StopReason::ContextFull);
    QVERIFY(lanes.set.lane(1).stopReason == StopReason::Failed);
    QCOMPARE(lanes.set.lane(0).fed(), 32);
    QCOMPARE(lanes.set.lane(1).fed(), 40);
    QCOMPARE(lanes.set.lane(2).fed(), 64);
    for (int position = 5; position < 64; ++position) {
      QCOMPARE(lanes.text(2)[static_cast<std::size_t>(position)], FakeDecoder::tokenFor(position, {}));
    }
  }

  /// What was to be fed when the user stopped it is no part of the text.
  void anInterruptedTextIsWhatWasFed() {
    Lanes lanes;
    std::vector<LaneSet::Place> places(2);
    places[0].engine = lanes.open("long");
    places[1].engine = lanes.open("long");
    lanes.set.arrange(std::move(places), [](int) { return std::vector<int>(500, 7); });
    lanes.set.fillBlock();
    lanes.set.stopAll(StopReason::Interrupted);
    QCOMPARE(static_cast<int>(std::ssize(lanes.text(0))), 64);
    QCOMPARE(lanes.set.lane(0).promptLength, 64);
    QVERIFY(lanes.text(1).empty());
  }

  /// A lane without a text fits any other; it does not tie together lanes that have read different ones.
  void aLaneThatComesBackFirstJoinsOneText() {
    Lanes lanes;
    lanes.arrange({{-1, "mqa"}, {-1, "mha"}});
    lanes.decode(2);
    lanes.arrange({{0, ""}, {1, ""}, {-1, "trace"}});
    lanes.arrange({{1, ""}, {2, ""}});
    const std::vector<int> text = lanes.text(0);
    lanes.arrange({{-1, "mqa"}, {0, ""}, {1, ""}});
    QCOMPARE(lanes.text(0), text);
    QVERIFY(lanes.set.apart(2) == Apart::Text && lanes.set.apart(1) == Apart::No);
    lanes.decode(2);
    QCOMPARE(lanes.text(1), lanes.text(0));
    QCOMPARE(static_cast<int>(std::ssize(lanes.text(1))), 9);
  }

  /// The first lane leads, also when it joins in the middle of a text.
  void aLaneThatJoinsInFrontLeads() {
    Lanes lanes;
    lanes.arrange({{-1, "differs-at-20"}});
    lanes.decode(2);
    lanes.arrange({{-1, "mha"}, {0, ""}});
    QCOMPARE(lanes.set.lane(1).leader, 0);
    lanes.decode(20);
    QCOMPARE(lanes.text(1)[20], FakeDecoder::tokenFor(20, {}));
    QCOMPARE(lanes.text(0), lanes.text(1));
  }

  void aLostDeviceStopsAll() {
    Lanes lanes;
    lanes.opener.losesAt = 20;
    lanes.arrange({{-1, "mha"}, {-1, "mqa"}});
    while (!lanes.set.finished()) lanes.set.step();
    for (int lane : {0, 1}) {
      QVERIFY(lanes.set.lane(lane).stopReason == StopReason::DeviceLost);
      QCOMPARE(static_cast<int>(std::ssize(lanes.text(lane))), 20);
    }
  }

  /// Nothing that was decoded is decoded again because a lane comes or goes.
  void lanesThatStayGoOn() {
    Lanes lanes;
    lanes.arrange({{-1, "mha"}, {-1, "gqa"}});
    lanes.decode(10);
    const std::vector<int> text = lanes.text(0);
    lanes.steps.clear();
    lanes.arrange({{0, ""}, {1, ""}, {-1, "mqa"}});
    QCOMPARE(lanes.runTokens(0) + lanes.runTokens(1), 0);
    QCOMPARE(lanes.runTokens(2), 15);  // the same text: the prompt in one block, the rest in steps
    QCOMPARE(lanes.steps.size(), std::size_t{11});
    QVERIFY(lanes.steps[0].isFilling && !lanes.steps[1].isFilling);
    QVERIFY(!lanes.steps[0].isCatchingUp && lanes.steps[1].isCatchingUp && lanes.steps[10].isCatchingUp);
    QCOMPARE(lanes.steps[1].choice, lanes.text(0)[6]);
    QCOMPARE(lanes.text(2), text);
    QCOMPARE(lanes.set.lane(2).promptLength, 5);
    lanes.decode(3);
    QVERIFY(!lanes.steps.back().isCatchingUp);
    QCOMPARE(lanes.text(2), lanes.text(0));
    lanes.steps.clear();
    lanes.arrange({{1, ""}, {2, ""}});  // the first leaves: the second leads
    QCOMPARE(std::ssize(lanes.steps), std::ptrdiff_t{0});
    lanes.decode(2);
    QCOMPARE(static_cast<int>(std::ssize(lanes.text(0))), 20);
    QCOMPARE(lanes.text(0), lanes.text(1));
  }

  /// A lane that joins makes the choices of one that was there from the start: the same dice at every
  /// position.
  void aLaneThatJoinsSamplesAsIfItHadBeenThere() {
    Lanes lanes(sampled());
    lanes.arrange({{-1, "mha"}});
    lanes.decode(17);
    lanes.arrange({{0, ""}, {-1, "mqa"}});
    lanes.steps.clear();
    QCOMPARE(lanes.set.lane(1).choice, lanes.set.lane(0).choice);
    lanes.decode(30);
    int sampledOthers = 0;
    for (std::size_t i = 0; i + 1 < lanes.steps.size(); i += 2) {
      QCOMPARE(lanes.steps[i].choice, lanes.steps[i + 1].choice);
      sampledOthers += lanes.steps[i].choice == 40 ? 1 : 0;
    }
    QVERIFY(sampledOthers > 0);
  }

  /// Another kernel in the middle of a text samples on as if nothing had happened.
  void aLaneWithAnotherEngineGoesOnWithItsText() {
    Lanes undisturbed(sampled());
    undisturbed.arrange({{-1, "mha"}});
    undisturbed.decode(40);
    Lanes changed(sampled());
    changed.arrange({{-1, "mha"}});
    changed.decode(17);
    changed.steps.clear();
    changed.arrange({{0, "mha"}});
    QCOMPARE(changed.runTokens(0), 22);
    QVERIFY(changed.steps.front().isFilling);
    changed.decode(20);
    changed.steps.clear();
    changed.arrange({{0, "mha"}});  // of 42 tokens all but the last 32 in a block
    QCOMPARE(changed.steps.size(), std::size_t{33});
    QCOMPARE(static_cast<int>(changed.steps.front().record.tokens.size()), 10);
    changed.decode(3);
    QCOMPARE(changed.text(0), undisturbed.text(0));
    QVERIFY(std::ranges::count(changed.text(0), 40) > 0);  // it did sample
  }

  void aSmallerCacheKeepsWhatItHolds() {
    Lanes lanes;
    lanes.arrange({{-1, "mha"}});
    lanes.decode(40);
    std::vector<LaneSet::Place> places(1);
    places[0] = {.from = 0, .engine = lanes.open("mha", {.contextLength = 30})};
    lanes.set.arrange(std::move(places), lanes.prompts());
    lanes.fill();
    QCOMPARE(lanes.set.lane(0).fed(), 30);
    lanes.set.step();
    QVERIFY(lanes.set.lane(0).stopReason == StopReason::ContextFull);
    // And a larger one goes on from there.
    lanes.arrange({{0, "long"}});
    QVERIFY(!lanes.set.lane(0).stopReason);
    lanes.decode(5);
    QCOMPARE(lanes.set.lane(0).fed(), 35);
  }

  /// Lockstep holds for those that can, and for all once the odd one is gone.
  void anotherVocabularyRunsByItself() {
    Lanes lanes;
    lanes.arrange({{-1, "no-tokenizer"}, {-1, "mha"}, {-1, "differs-at-20"}});
    QVERIFY(lanes.set.apart(0) == Apart::Vocabulary);
    QVERIFY(lanes.set.apart(1) == Apart::No && lanes.set.apart(2) == Apart::No);
    QCOMPARE(lanes.set.lane(2).leader, 1);
    lanes.decode(20);
    QCOMPARE(lanes.text(1), lanes.text(2));
    lanes.arrange({{1, ""}, {2, ""}});
    QVERIFY(lanes.set.apart(0) == Apart::No);
    lanes.decode(5);
    QCOMPARE(lanes.text(0), lanes.text(1));
    QCOMPARE(static_cast<int>(std::ssize(lanes.text(0))), 30);
  }

  void aTraceLeadsFromTheStart() {
    Lanes lanes;
    lanes.arrange({{-1, "mha"}, {-1, "trace"}});
    QCOMPARE(lanes.set.lane(0).leader, 1);
    while (!lanes.set.finished()) lanes.set.step();
    QCOMPARE(lanes.text(0), test::kScript);
    QCOMPARE(lanes.set.lane(0).promptLength, 3);
  }

  void aTraceOfAnotherTextGoesItsOwnWayUntilARestart() {
    Lanes lanes;
    lanes.arrange({{-1, "mha"}});
    lanes.decode(2);
    lanes.arrange({{0, ""}, {-1, "trace"}});
    QVERIFY(lanes.set.apart(0) == Apart::Text && lanes.set.apart(1) == Apart::Text);
    QCOMPARE(static_cast<int>(std::ssize(lanes.text(0))), 7);  // what it had
    QCOMPARE(static_cast<int>(std::ssize(lanes.text(1))), 3);  // its own prompt
    lanes.set.start(lanes.prompts());
    lanes.fill();
    QVERIFY(lanes.set.apart(0) == Apart::No);
    QCOMPARE(lanes.text(0), lanes.text(1));
  }

  void aPromptThatOneLaneCannotHoldStopsThatLane() {
    Lanes lanes;
    std::vector<LaneSet::Place> places(2);
    places[0].engine = lanes.open("mha", {.contextLength = 4});
    places[1].engine = lanes.open("mqa");
    lanes.set.arrange(std::move(places), lanes.prompts());
    lanes.fill();
    QVERIFY(lanes.set.lane(0).stopReason == StopReason::Failed);
    lanes.decode(3);
    QCOMPARE(lanes.set.lane(1).fed(), 8);
    // Nor does it keep a text from lanes that come later.
    lanes.arrange({{0, ""}, {1, ""}, {-1, "gqa"}});
    QCOMPARE(lanes.text(2), lanes.text(1));
    lanes.decode(2);
    QCOMPARE(lanes.set.lane(2).fed(), 10);
  }

  void fillingIsCutShort() {
    Lanes lanes;
    std::vector<LaneSet::Place> places(2);
    places[0].engine = lanes.open("long");
    places[1].engine = lanes.open("long");
    lanes.set.arrange(std::move(places), [](int) { return std::vector<int>(500, 7); });
    lanes.set.fillBlock();
    lanes.set.fillBlock();
    lanes.set.fillBlock();
    lanes.set.cutFilling();
    lanes.fill();
    QCOMPARE(lanes.set.lane(0).fed(), 129);
    QCOMPARE(lanes.set.lane(1).fed(), 129);
    QCOMPARE(lanes.set.lane(0).choice, FakeDecoder::tokenFor(129, {}));
  }

  void aGivenTextIsFedAndTakenBack() {
    Lanes lanes;
    lanes.arrange({{-1, "mha"}});
    const std::vector<int> given{50, 51, 52};
    lanes.set.feed(0, given);
    QCOMPARE(lanes.set.lane(0).fed(), 8);
    lanes.set.rewind(0, 6);
    QCOMPARE(lanes.text(0), (std::vector<int>{10, 11, 12, 13, 14, 50}));
    lanes.set.feed(0, std::span(given).subspan(1));
    QCOMPARE(lanes.text(0), (std::vector<int>{10, 11, 12, 13, 14, 50, 51, 52}));
  }

  void aModelIsLoadedOnceAndGoesWithItsLastUse() {
    lanes::ModelStore store;
    int loads = 0;
    const auto load = [&] {
      ++loads;
      return std::make_unique<lanes::LoadedModel>(model::Model{});
    };
    {
      lanes::ModelUse first = store.use("a", load);
      const lanes::ModelUse second = store.use("a", load);
      const lanes::ModelUse other = store.use("b", load);
      QCOMPARE(loads, 2);
      QCOMPARE(&*first, &*second);
      QCOMPARE(store.useCount(first), 2);
      first = lanes::ModelUse();
      QCOMPARE(store.useCount(second), 1);
      QCOMPARE(store.modelCount(), 2);
    }
    QCOMPARE(store.modelCount(), 0);
  }
};

QTEST_GUILESS_MAIN(TstLaneSet)
#include "tst_lane_set.moc"
