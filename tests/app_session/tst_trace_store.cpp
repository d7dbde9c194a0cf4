#include <QSignalSpy>
#include <QTest>
#include <numeric>

#include "app/session/display_text.h"
#include "app/session/selection.h"
#include "app/session/settings.h"
#include "app/session/speed_board.h"
#include "app/session/trace_store.h"
#include "app/session/trained_context.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;
using test::FakeDecoder;
using test::FakeLane;

namespace {

session::LaneInfo infoOf(const FakeDecoder& decoder) {
  session::LaneInfo info{
      .title = "MHA", .config = decoder.config(), .contextLength = decoder.config().contextLength};
  const test::FakeTokenizer tokenizer;
  for (int token = 0; token < tokenizer.vocabSize(); ++token)
    info.pieces.push_back(tokenizer.pieceBytes(token));
  return info;
}

const std::vector<session::LaneOrigin> kNewLane(1);

/// A prompt of 10 tokens, then single steps up to `length`.
session::StepBatch decode(FakeDecoder& decoder, int length, int lane = 0) {
  session::StepBatch batch{.run = 1, .steps = {}};
  const auto step = [&](const std::vector<int>& tokens) {
    for (model::StepRecord& record : decoder.run(tokens, model::Capture::everything())) {
      batch.steps.push_back({.lane = lane,
                             .record = std::move(record),
                             .choice = FakeDecoder::tokenFor(decoder.position(), {}),
                             .isFilling = tokens.size() > 1,
                             .promptLength = 10});
    }
  };
  if (decoder.position() == 0) step(std::vector<int>(10, 'a'));
  while (decoder.position() < length) step({FakeDecoder::tokenFor(decoder.position(), {})});
  return batch;
}

/// Of 60 positions: 24 overviews take 1,572,864 bytes and some 60,000 the steps without attention, for which
/// less is left than the 175,000 of all rows.
constexpr std::uint64_t kBudget = 1'700'000;

}  // namespace

class TestTraceStore : public QObject {
  Q_OBJECT

 private slots:
  void keepsTokensStepsAndChoices() {
    FakeDecoder decoder{FakeLane{}};
    session::TraceStore store;
    store.setLanes(1, {infoOf(decoder)}, kNewLane);
    store.append(decode(decoder, 30));
    const session::LaneTrace& lane = store.lane(0);
    QCOMPARE(lane.length(), 30);
    QCOMPARE(lane.promptLength(), 10);
    QCOMPARE(lane.stepCount(), 21);
    QCOMPARE(lane.stepIndexAt(9), 0);
    QCOMPARE(lane.stepIndexAt(10), 1);
    QCOMPARE(lane.tokens()[12], FakeDecoder::tokenFor(12, {}));
    QCOMPARE(lane.choices()[5], -1);
    QCOMPARE(lane.choices()[12], lane.tokens()[12]);
    QCOMPARE(static_cast<int>(lane.choices().size()), 31);
    QVERIFY(!lane.predictionOf(5));
    QCOMPARE(lane.predictionOf(10), &lane.step(0));
    QCOMPARE(lane.predictionOf(10)->candidates.front().token, lane.tokens()[10]);
    QCOMPARE(analysis::summarise(lane.decodeSteps(9)).stepCount, 0);
    QCOMPARE(analysis::summarise(lane.decodeSteps(29)).stepCount, 20);
    QCOMPARE(analysis::summarise(lane.decodeSteps(29).last(5)).wallTimeMs, 10.0);
    QVERIFY(!lane.firstDisagreement());
  }

  void attentionRowsOfPromptAndSteps() {
    FakeDecoder decoder{FakeLane{}};
    session::TraceStore store;
    store.setLanes(1, {infoOf(decoder)}, kNewLane);
    store.append(decode(decoder, 30));
    for (const int position : {0, 4, 9, 10, 29}) {
      const std::span<const float> row = store.lane(0).attentionRow(2, 3, position);
      QCOMPARE(static_cast<int>(row.size()), position + 1);
      QVERIFY(std::abs(std::accumulate(row.begin(), row.end(), 0.0f) - 1.0f) < 1e-5f);
      for (int attended = 0; attended <= position; ++attended) {
        QCOMPARE(row[static_cast<std::size_t>(attended)], FakeDecoder::attentionFor(3, position, attended));
      }
    }
    QVERIFY(store.lane(0).attentionRow(0, 0, 30).empty());
    const std::vector<float> mean = store.lane(0).meanAttentionRow(29);
    QVERIFY(std::abs(std::accumulate(mean.begin(), mean.end(), 0.0f) - 1.0f) < 1e-5f);
    QCOMPARE(store.lane(0).overview(1, 0).positionCount(), 30);
  }

  void budgetForgetsOldRowsButNotOverviews() {
    FakeDecoder decoder{FakeLane{}};
    session::TraceStore store(kBudget);
    store.setLanes(1, {infoOf(decoder)}, kNewLane);
    store.append(decode(decoder, 60));
    QVERIFY(store.lane(0).heldBytes() <= kBudget);
    QVERIFY(store.lane(0).attentionRow(0, 0, 5).empty());
    QCOMPARE(static_cast<int>(store.lane(0).attentionRow(0, 0, 59).size()), 60);
    QCOMPARE(store.lane(0).overview(0, 0).positionCount(), 60);
    QVERIFY(store.lane(0).overview(0, 0).cells()[5 * analysis::PooledMap::kCells + 4] > 0.5f);
  }

  void replayedRowsComeBack() {
    FakeDecoder decoder{FakeLane{}};
    session::TraceStore store(kBudget);
    store.setLanes(1, {infoOf(decoder)}, kNewLane);
    store.append(decode(decoder, 60));
    QVERIFY(store.lane(0).attentionRow(2, 3, 5).empty());
    const auto token = store.lane(0).tokens().subspan(5, 1);
    store.addReplayed({.run = 1, .lane = 0, .blocks = decoder.replay(5, token, {})});
    const std::span<const float> row = store.lane(0).attentionRow(2, 3, 5);
    QCOMPARE(static_cast<int>(row.size()), 6);
    QCOMPARE(row[1], FakeDecoder::attentionFor(3, 5, 1));
    // Those of another run are not of this text.
    store.addReplayed({.run = 7, .lane = 0, .blocks = decoder.replay(6, token, {})});
    QVERIFY(store.lane(0).attentionRow(2, 3, 6).empty());
    store.restart(2);
    store.append({});
    QVERIFY(store.lane(0).attentionRow(2, 3, 5).empty());
  }

  void settingsKeepLaneOptions() {
    QTemporaryDir folder;
    const QString file = folder.filePath("kept.ini");
    const std::vector<session::LaneRequest> lanes{
        {"mha", 3, {.kvType = model::KvType::F16, .batch = 8, .contextLength = 4096}},
        {"mqa", 1, {.attention = model::AttentionKernel::Naive}}};
    session::Settings(file).setLanes(lanes);
    QVERIFY(session::Settings(file).lanes() == lanes);
    session::Settings(file).setLanes({});
    QVERIFY(session::Settings(file).lanes() == session::Settings::firstStart().lanes);
  }

  /// One choice after another, each beside the others.
  void settingsKeepEveryChoice() {
    QTemporaryDir folder;
    const QString file = folder.filePath("kept.ini");
    QVERIFY(session::Settings(file).experiment() == session::Settings::firstStart());
    lanes::Experiment wanted{
        .lanes = {{"gqa", 2, {.batch = 3}}},
        .prompt = "1, 2 \u2013 \"3\"\n; %20",
        .promptForm = session::PromptForm::Ids,
        .sampling = {.temperature = 7.5f, .topK = 200000, .topP = 0.5f, .seed = ~std::uint64_t{0}},
        .tokensPerSecond = 7.5,
        .feed = session::TokenFeed::FreeRun,
        .whenTextEnds = session::WhenTextEnds::Stop};
    session::Settings(file).setLanes(wanted.lanes);
    session::Settings(file).setPrompt(wanted.prompt);
    session::Settings(file).setPromptForm(wanted.promptForm);
    session::Settings(file).setSampling(wanted.sampling);
    session::Settings(file).setPace({wanted.tokensPerSecond});
    session::Settings(file).setFeed(wanted.feed);
    session::Settings(file).setWhenTextEnds(wanted.whenTextEnds);
    QVERIFY(session::Settings(file).experiment() == wanted);
    // Lanes are those that run, and a filling is no choice.
    lanes::Experiment other = session::Settings::firstStart();
    other.fill = 300;
    session::Settings(file).setChoices(other);
    other.fill = 0;
    other.lanes = wanted.lanes;
    QVERIFY(session::Settings(file).experiment() == other);
  }

  void settingsThatCannotBeReadAreThoseOfTheFirstStart_data() {
    QTest::addColumn<QString>("from");
    QTest::addColumn<QString>("to");
    QTest::newRow("no document") << "{"
                                 << "";
    QTest::newRow("of a newer version") << "\"version\": 1"
                                        << "\"version\": 2";
    QTest::newRow("no pace") << "7.5"
                             << "\"fast\"";
    QTest::newRow("no batch") << "\"batch\": 8"
                              << "\"batch\": -3";
    QTest::newRow("no kernel") << "naive"
                               << "17";
  }
  void settingsThatCannotBeReadAreThoseOfTheFirstStart() {
    QFETCH(QString, from);
    QFETCH(QString, to);
    QTemporaryDir folder;
    const QString file = folder.filePath("kept.ini");
    session::Settings(file).setLanes({{"mha", 3, {.batch = 8, .attention = model::AttentionKernel::Naive}}});
    session::Settings(file).setPace({7.5});
    QSettings kept(file, QSettings::IniFormat);
    QString text = kept.value("experiment").toString();
    QVERIFY(text.contains(from));
    kept.setValue("experiment", text.replace(text.indexOf(from), from.size(), to));
    kept.sync();
    QVERIFY(session::Settings(file).experiment() == session::Settings::firstStart());
    // And go on from there.
    session::Settings(file).setPace({9.0});
    QCOMPARE(session::Settings(file).pace().tokensPerSecond, 9.0);
  }

  /// A control token has no bytes of its own; what it does is its text.
  void theTokenThatEndsATextSaysSo() {
    session::LaneInfo info = infoOf(FakeDecoder{FakeLane{}});
    info.pieces.assign(static_cast<std::size_t>(info.config.vocabSize), "a");
    info.pieces[7].clear();
    info.pieces[8].clear();
    info.pieces[9] = "<|im_end|>";
    info.endTokens = {8, 9};
    const session::LaneTrace lane(info);
    QCOMPARE(lane.text(6), std::string_view("a"));
    QCOMPARE(lane.text(7), std::string_view("#7"));
    for (const int token : info.endTokens) {
      QCOMPARE(lane.text(token), std::string_view("end of text"));
      QVERIFY(lane.endsText(token));
    }
    QVERIFY(!lane.endsText(7) && !lane.endsText(-1));
  }

  /// Positions count from 0: of a trained context of 64 the first beyond it is 64.
  void whatLiesBeyondTheTrainedContext() {
    FakeDecoder decoder{FakeLane{}};
    session::LaneInfo inside = infoOf(decoder);
    session::LaneInfo beyond = infoOf(decoder);
    beyond.contextLength = 65;
    session::LaneInfo longer = infoOf(decoder);
    longer.config.contextLength = 48;
    QVERIFY(!session::untrainedFrom(inside));
    QCOMPARE(session::untrainedFrom(beyond), std::optional<int>(64));
    QCOMPARE(session::untrainedFrom(longer), std::optional<int>(48));
    session::TraceStore store;
    QVERIFY(!session::untrainedFrom(store));
    store.setLanes(1, {inside, beyond, longer}, {{}, {}, {}});
    QCOMPARE(session::untrainedFrom(store), std::optional<int>(48));
    QCOMPARE(session::untrainedSentence(2048),
             std::string(
                 "Beyond the trained context of 2,048 positions: text need not make sense there, times and "
                 "bytes are true."));
  }

  void dropsStepsOfAnOlderRun() {
    FakeDecoder decoder{FakeLane{}};
    session::TraceStore store;
    store.setLanes(2, {infoOf(decoder)}, kNewLane);
    store.append(decode(decoder, 12));
    QCOMPARE(store.length(), 0);
  }

  /// A lane that goes on as it is keeps its trace under its new number; the others begin anew.
  void lanesThatGoOnKeepTheirTraces() {
    FakeDecoder first{FakeLane{}};
    FakeDecoder second{FakeLane{}};
    session::TraceStore store;
    store.setLanes(1, {infoOf(first), infoOf(second)}, {{}, {}});
    store.append(decode(first, 30, 0));
    store.append(decode(second, 20, 1));
    session::Selection selection;
    selection.setHead(session::HeadAddress{1, 2, 3});
    selection.setPosition(12);
    session::LaneInfo renamed = infoOf(second);
    renamed.title = "MQA";
    store.setLanes(2, {renamed, infoOf(first)}, {{.lane = 1, .asItIs = true}, {.lane = -1, .asItIs = false}});
    selection.clampTo(store);
    QCOMPARE(store.lane(0).length(), 20);
    QCOMPARE(store.lane(0).info().title, std::string("MQA"));
    QCOMPARE(static_cast<int>(store.lane(0).attentionRow(2, 3, 15).size()), 16);
    QCOMPARE(store.lane(1).length(), 0);
    QVERIFY((selection.head() == session::HeadAddress{0, 2, 3}));
    QCOMPARE(selection.position(), std::optional<int>(12));
    // The head of a lane that is gone is dropped, and where all begins anew so is the position.
    store.setLanes(3, {infoOf(first)}, {{.lane = 1, .asItIs = false}});
    selection.clampTo(store);
    QVERIFY(!selection.head());
    QVERIFY(!selection.position());
  }

  /// A lane that was given a text to catch up with: what came from the prompt is told apart from what was fed
  /// in blocks, which is no decode step.
  void aTextFedInBlocksIsNoDecodeStep() {
    FakeDecoder decoder{FakeLane{}};
    session::TraceStore store;
    store.setLanes(1, {infoOf(decoder)}, kNewLane);
    session::StepBatch batch{.run = 1, .steps = {}};
    for (model::StepRecord& record : decoder.run(std::vector<int>(25, 'a'), model::Capture::everything())) {
      batch.steps.push_back(
          {.lane = 0, .record = std::move(record), .choice = 40, .isFilling = true, .promptLength = 10});
    }
    for (model::StepRecord& record : decoder.run(std::vector<int>{40}, model::Capture::everything())) {
      batch.steps.push_back(
          {.lane = 0, .record = std::move(record), .choice = 41, .isFilling = false, .promptLength = 10});
    }
    store.append(batch);
    const session::LaneTrace& lane = store.lane(0);
    QCOMPARE(lane.promptLength(), 10);
    QCOMPARE(lane.filledLength(), 25);
    QCOMPARE(analysis::summarise(lane.decodeSteps(25)).stepCount, 1);
    QVERIFY(lane.decodeSteps(20).empty());
    QCOMPARE(lane.decodeSteps(25).size(), std::size_t{1});
    QVERIFY(!lane.predictionOf(15));
    QCOMPARE(lane.predictionOf(25), &lane.step(0));
  }

  void divergenceInLockstepAndFreeRun() {
    FakeDecoder leader{FakeLane{}};
    FakeDecoder follower{FakeLane{}};
    session::TraceStore store;
    store.setLanes(1, {infoOf(leader), infoOf(follower)}, {{}, {}});
    store.append(decode(leader, 30, 0));
    session::StepBatch batch = decode(follower, 30, 1);
    // The step that fed position 17 chose for position 18.
    batch.steps[8].choice += 1;
    store.append(batch);
    QVERIFY(!store.divergence(0));
    QCOMPARE(store.divergence(1), std::optional<int>(18));
    store.setFeed(session::TokenFeed::FreeRun);
    QVERIFY(!store.divergence(1));
  }

  /// With a text that begins anew the numbers of the old one are gone, not 600 ms later.
  void theBoardIsOfTheTextThatIsThere() {
    FakeDecoder decoder{FakeLane{}};
    session::TraceStore store;
    const session::Selection selection;
    session::SpeedBoard board(store, selection);
    store.setLanes(1, {infoOf(decoder)}, kNewLane);
    store.append(decode(decoder, 30));
    QTRY_VERIFY(board.measurement(0).measured());
    QSignalSpy changed(&board, &session::SpeedBoard::changed);
    store.restart(2);
    QCOMPARE(changed.count(), 1);
    QVERIFY(!board.measurement(0).measured());
  }

  /// The steps with which a lane catches up were timed alone: the comparison waits for steps by turns, and
  /// then both lanes' times are of these.
  void aLateLaneIsComparedByItsTurns() {
    FakeDecoder first{FakeLane{}}, late{FakeLane{.kvHeadCount = 1}};
    session::TraceStore store;
    const session::Selection selection;
    session::SpeedBoard board(store, selection);
    store.setLanes(1, {infoOf(first), infoOf(late)}, {session::LaneOrigin{}, session::LaneOrigin{}});
    const auto timed = [](session::StepBatch batch, double milliseconds) {
      for (session::LaneStep& step : batch.steps) step.record.wallTimeMs = milliseconds;
      return batch;
    };
    store.append(timed(decode(first, 40), 6.0));
    session::StepBatch caughtUp = timed(decode(late, 40, 1), 1.0);
    for (session::LaneStep& step : caughtUp.steps) step.isCatchingUp = !step.isFilling;
    store.append(std::move(caughtUp));
    QCOMPARE(store.lane(1).turnsFrom(), 40);
    QCOMPARE(store.lane(1).decodeSteps(39).size(), std::size_t{30});
    QVERIFY(store.lane(1).turns(39).empty());
    board.refresh();
    QCOMPARE(board.measurement(1).stepMs, 1.0);
    QCOMPARE(board.verdict().answer, analysis::Answer::NotMeasured);
    QVERIFY2(board.sentence().find("0 of the 12") != std::string::npos, board.sentence().c_str());

    store.append(timed(decode(first, 52), 2.0));
    store.append(timed(decode(late, 52, 1), 2.0));
    board.refresh();
    QCOMPARE(board.measurement(0).stepMs, 2.0);
    QCOMPARE(board.measurement(0).stepCount, 12);
    QCOMPARE(board.measurement(1).stepMs, 2.0);
    QCOMPARE(board.verdict().answer, analysis::Answer::Alike);
  }

  void selectionFollowsAndLooksBack() {
    FakeDecoder decoder{FakeLane{}};
    session::TraceStore store;
    store.setLanes(1, {infoOf(decoder)}, kNewLane);
    session::Selection selection;
    QCOMPARE(selection.positionIn(store, 0), -1);
    store.append(decode(decoder, 30));
    QCOMPARE(selection.positionIn(store, 0), 29);
    QSignalSpy changed(&selection, &session::Selection::changed);
    selection.movePosition(store, -1);
    QCOMPARE(selection.positionIn(store, 0), 28);
    selection.movePosition(store, 1);
    QVERIFY(!selection.position());
    selection.moveHead(store, 0, 0);
    QVERIFY(selection.head() == session::HeadAddress{});
    selection.moveHead(store, 9, 9);
    QVERIFY((selection.head() == session::HeadAddress{0, 2, 7}));
    QCOMPARE(changed.count(), 4);
  }

  void aSweepTakesAnEarliersPlaceOnceItHasLines() {
    const auto sweep = [](const std::string& date, int contexts) {
      analysis::SpeedMap map{.date = date, .curves = {{.name = "MHA"}, {.name = "MQA"}}};
      for (analysis::SpeedCurve& curve : map.curves) {
        for (int at = 1; at <= contexts; ++at) curve.points.push_back({{1, 100 * at}, {1.0 * at, 1.0 * at}});
      }
      return map;
    };
    session::TraceStore store;
    // Without an earlier one whatever there is counts.
    store.setMeasuring(true);
    store.setSpeedMap(sweep("first", 1));
    QVERIFY(!store.speedMapIsEarlier());
    QCOMPARE(store.speedMap().curves[0].points.size(), 1u);
    store.setSpeedMap(sweep("first", 5));
    store.setMeasuring(false);
    // One that is stopped early.
    store.setMeasuring(true);
    QVERIFY(store.speedMapIsEarlier());
    for (const int contexts : {0, 1, 2}) store.setSpeedMap(sweep("second", contexts));
    QCOMPARE(store.speedMap().date, std::string("first"));
    QVERIFY(store.speedMapIsEarlier());
    store.setMeasuring(false);
    QCOMPARE(store.speedMap().date, std::string("first"));
    QVERIFY(!store.speedMapIsEarlier());
    // One that goes on.
    store.setMeasuring(true);
    store.setSpeedMap(sweep("third", 3));
    QCOMPARE(store.speedMap().date, std::string("third"));
    QVERIFY(!store.speedMapIsEarlier());
    // One that is whole, however little it has.
    analysis::SpeedMap whole = sweep("fourth", 1);
    whole.isComplete = true;
    store.setSpeedMap(whole);
    QCOMPARE(store.speedMap().date, std::string("fourth"));
  }

  void textOfTokens() {
    QCOMPARE(session::displayText("caf\xC3\xA9"), std::string("caf\xC3\xA9"));
    QCOMPARE(session::displayText("\xE2\x80"), std::string("<E2><80>"));
    QCOMPARE(session::displayText(std::string("a\x07\n")), std::string("a<07>\n"));
    QCOMPARE(session::tokenLabel(" the"), std::string("\u00b7the"));
    QCOMPARE(session::tokenLabel("\n"), std::string("\u21b5"));
    QCOMPARE(session::tokenLabel("a b "), std::string("a b\u00b7"));
    QCOMPARE(session::quoted("a"), std::string("\u201ca\u201d"));
    QCOMPARE(session::headsText({.queryHeadCount = 8, .kvHeadCount = 2, .headDim = 4}),
             std::string("8 Q \u2192 2 KV"));
  }
};

QTEST_GUILESS_MAIN(TestTraceStore)
#include "tst_trace_store.moc"
