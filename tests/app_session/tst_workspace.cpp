#include <QSignalSpy>
#include <QTest>
#include <set>

#include "tests/app_session/workspace_table.h"

using namespace headroom;

using test::Names;
using test::Table;

class TestWorkspace : public QObject {
  Q_OBJECT

 private slots:
  /// On the first start a text's end is no end of the demonstration.
  void aTextsEndIsNoEndUnlessOneChoseIt() {
    Table table;
    QVERIFY(table.finish({"ends-at-30"}));
    QCOMPARE(table.text(0)[30], test::FakeTokenizer::kEndToken);
    QVERIFY(table.store.lane(0).endsText(table.text(0)[30]));
    table.workspace.setWhenTextEnds(session::WhenTextEnds::Stop);
    QVERIFY(table.settings.whenTextEnds() == session::WhenTextEnds::Stop);
    table.workspace.restart();
    table.workspace.togglePlaying();
    QTRY_COMPARE(table.length(0), 30);
    QTRY_VERIFY(table.textHas("has ended its text"));
    QTRY_VERIFY(table.host.state().finished);
    // Who lets the next text begin after all goes on from there, not from the prompt.
    table.workspace.setWhenTextEnds(session::WhenTextEnds::GoOn);
    QTRY_VERIFY(!table.host.state().finished);
    QCOMPARE(table.length(0), 30);
    table.workspace.stepOne();
    QTRY_COMPARE(table.length(0), 31);
    QCOMPARE(table.text(0)[30], test::FakeTokenizer::kEndToken);
  }

  /// What follows the answer to a chat message would be the user's next one.
  void anAnswerInAChatEnds() {
    Table table;
    QVERIFY(table.finish({"chat"}));
    table.workspace.setPromptForm(session::PromptForm::Chat, "It is");
    QTRY_VERIFY(table.textHas("has ended its text"));
    QTRY_COMPARE(table.length(0), 30);
    table.workspace.setPromptForm(session::PromptForm::Text, "It is");
    QTRY_COMPARE(table.length(0), 64);
  }

  void theFirstStartHasMhaAndMqa() {
    Table table;
    QVERIFY(table.finish());
    QCOMPARE(table.sources(), (Names{"mha", "mqa"}));
    QVERIFY(table.settings.lanes() == table.workspace.lanes());
  }

  void tooManyFilesAreNamed() {
    Table table;
    table.workspace.start({"mha", "gqa", "mqa", "long", "/m/fifth.gguf"});
    QTRY_COMPARE(table.store.laneCount(), 4);
    QVERIFY(table.textHas("not opened: fifth.gguf"));
    table.workspace.addLane("mha");
    QVERIFY(table.textHas("At most 4 lanes"));
    QCOMPARE(table.store.laneCount(), 4);
  }

  void pressingTwiceChangesNothing() {
    Table table;
    table.settings.setPace({20.0});
    table.workspace.start({"mha"});
    QTRY_VERIFY(table.host.state().playing);
    // Before the session has said anything of the first.
    table.workspace.togglePlaying();
    table.workspace.togglePlaying();
    table.workspace.togglePlaying();
    QTest::qWait(200);  // all three are served
    QVERIFY(!table.host.state().playing);
    const int length = table.length(0);
    table.workspace.togglePlaying();
    table.workspace.togglePlaying();
    QTest::qWait(300);
    QVERIFY(!table.host.state().playing);
    // Where they are served one by one a token may lie between them.
    QVERIFY(table.length(0) <= length + 1);
    table.workspace.togglePlaying();
    QTRY_VERIFY(table.length(0) > length + 1);
  }

  /// What was decoded stays when lanes come and go, also the maps and what is looked at.
  void lanesComeAndGoAndTheTextStays() {
    Table table;
    QVERIFY(table.finish());
    const std::vector<int> text = table.text(0);
    table.selection.setHead(session::HeadAddress{1, 2, 3});
    table.selection.setPosition(40);
    QSignalSpy restarted(&table.host, &session::SessionHost::restarted);
    table.workspace.addLane("gqa");
    QTRY_COMPARE(table.store.laneCount(), 3);
    QTRY_COMPARE(table.length(2), 64);
    QCOMPARE(table.text(2), text);
    QCOMPARE(table.store.lane(2).promptLength(), 13);
    table.workspace.closeLane(0);
    QTRY_COMPARE(table.store.laneCount(), 2);
    QCOMPARE(table.text(0), text);
    QCOMPARE(static_cast<int>(table.store.lane(0).attentionRow(1, 1, 30).size()), 31);
    QVERIFY((table.selection.head() == session::HeadAddress{0, 2, 3}));
    QCOMPARE(table.selection.position(), std::optional<int>(40));
    QCOMPARE(restarted.count(), 0);
  }

  void closingIsUndoneInOrder() {
    Table table;
    QVERIFY(table.finish());
    QSignalSpy closed(&table.workspace, &session::Workspace::laneClosed);
    table.workspace.addLane("gqa");
    QTRY_COMPARE(table.store.laneCount(), 3);
    table.workspace.closeLane(0);
    table.workspace.closeLastLane();
    QTRY_COMPARE(table.sources(), (Names{"mqa"}));
    QCOMPARE(closed.count(), 2);
    table.workspace.undoClose();
    table.workspace.undoClose();
    table.workspace.undoClose();  // there is nothing more
    QTRY_COMPARE(table.sources(), (Names{"mha", "mqa", "gqa"}));
  }

  void otherOptionsKeepTheText() {
    Table table;
    QVERIFY(table.finish());
    const std::vector<int> text = table.text(0);
    std::vector<session::LaneRequest> chosen = table.workspace.lanes();
    chosen[1].options.attention = model::AttentionKernel::Naive;
    table.workspace.chooseOptions(chosen);
    QTRY_COMPARE(table.store.lane(1).info().attention, model::AttentionKernel::Naive);
    QTRY_COMPARE(table.length(1), 64);
    QCOMPARE(table.text(1), text);
    QCOMPARE(table.store.lane(0).filledLength(), 13);  // as it was decoded
    QCOMPARE(table.store.lane(1).filledLength(), 32);  // and 32 steps with the new kernel
    QVERIFY(!table.host.state().playing);
  }

  /// What the fill box says is what lanes are filled with.
  void aShorterContextIsFilledLess() {
    Table table;
    QVERIFY(table.finish());
    table.workspace.setFill(300);
    QTRY_VERIFY(table.length(0) >= 300);
    std::vector<session::LaneRequest> chosen = table.workspace.lanes();
    chosen[1].options.contextLength = 128;
    table.workspace.chooseOptions(chosen);
    QTRY_COMPARE(table.host.state().fill, 64);  // room to decode stays
    QTRY_COMPARE(table.store.lane(1).info().contextLength, 128);
    QTRY_VERIFY(table.length(1) >= 64);
    QCOMPARE(table.store.lane(1).promptLength(), 64);
    QCOMPARE(table.workspace.experiment().fill, 64);
    // What does not touch the contexts leaves the text.
    chosen = table.workspace.lanes();
    chosen[0].options.attention = model::AttentionKernel::Naive;
    table.workspace.chooseOptions(chosen);
    QTRY_COMPARE(table.store.lane(0).info().attention, model::AttentionKernel::Naive);
    QCOMPARE(table.host.state().fill, 64);
  }

  void goingThereAndBack() {
    Table table;
    QVERIFY(table.finish());
    const std::vector<session::LaneRequest> before = table.workspace.lanes();
    table.workspace.goTo({.batch = 8, .positions = 300});
    QVERIFY(!table.workspace.wayBack().empty());
    QTRY_COMPARE(table.store.lane(0).info().batch, 8);
    QTRY_VERIFY(table.length(0) >= 300);
    QVERIFY(table.store.contextLength() > 300);
    table.workspace.goBack();
    QTRY_VERIFY(table.workspace.lanes() == before);
    QVERIFY(table.workspace.wayBack().empty());
    QTRY_COMPARE(table.host.state().fill, 0);
    table.workspace.goBack();  // nowhere
    QVERIFY(table.workspace.lanes() == before);
  }

  void kernelsAreComparedWhereTheyDiffer() {
    Table table;
    QVERIFY(table.finish({"mha", "gqa", "mqa"}));
    table.workspace.compareKernels(-1);
    QTRY_COMPARE(table.store.laneCount(), 2);
    QCOMPARE(table.sources(), (Names{"mqa", "mqa"}));
    QCOMPARE(table.store.lane(1).info().attention, model::AttentionKernel::Naive);
    QVERIFY(table.workspace.lanes()[0].colorIndex != table.workspace.lanes()[1].colorIndex);
    table.workspace.goBack();
    QTRY_COMPARE(table.sources(), (Names{"mha", "gqa", "mqa"}));
    table.workspace.compareKernels(0);
    QTRY_COMPARE(table.sources(), (Names{"mha", "mha"}));
    QVERIFY(table.textHas("both kernels load each key once"));
  }

  void kernelsAreComparedOnADeviceOnly() {
    Table table;
    table.workspace.start({"trace"});
    QTRY_COMPARE(table.store.laneCount(), 1);
    table.workspace.compareKernels(-1);
    QVERIFY(table.textHas("Kernels are compared on a lane that a Vulkan device decodes"));
    QCOMPARE(table.workspace.lanes().size(), std::size_t{1});
    QVERIFY(table.workspace.wayBack().empty());
  }

  /// What changed nothing is no place to come back to.
  void theWayBackOutlivesWhatDidNothing() {
    Table table;
    table.workspace.start({"long", "mha"});
    QTRY_COMPARE(table.store.laneCount(), 2);
    const std::vector<session::LaneRequest> before = table.workspace.lanes();
    table.workspace.goTo({.batch = 2, .positions = 30});
    QTRY_COMPARE(table.store.lane(0).info().batch, 2);
    table.workspace.openFiles({});
    table.workspace.undoClose();
    QTRY_VERIFY(table.host.state().fill == 30 && !table.host.state().filling.underWay());
    table.workspace.goTo({.batch = 4, .positions = 30});
    QTRY_COMPARE(table.store.lane(0).info().batch, 4);
    table.workspace.goBack();
    QTRY_VERIFY(table.workspace.lanes() == before);
  }

  void theFormOfThePromptRewritesIt() {
    Table table;
    QVERIFY(table.finish());
    std::string shown;
    QObject::connect(&table.workspace, &session::Workspace::promptChanged, &table.store,
                     [&](const std::string& prompt) { shown = prompt; });
    table.workspace.setPromptForm(session::PromptForm::Ids, "It is a truth");
    QCOMPARE(shown, std::string("73, 116, 32, 105, 115, 32, 97, 32, 116, 114, 117, 116, 104"));
    table.workspace.setPromptForm(session::PromptForm::Text, shown);
    QCOMPARE(shown, std::string("It is a truth"));
  }

  /// Read and no more, until somebody plays.
  void aTextIsReadWithoutDecoding() {
    Table table;
    QVERIFY(table.finish());
    table.workspace.readText("It was night");
    QTRY_COMPARE(table.length(1), 12);
    QCOMPARE(table.length(0), 12);
    QVERIFY(!table.host.state().playing);
    QTest::qWait(300);
    QCOMPARE(table.length(0), 12);
    table.workspace.play();
    QTRY_VERIFY(table.length(0) > 12);
  }

  /// Random tokens said again are a prompt as any, as ids; the text from before comes back with its form.
  void randomTokensAreRead() {
    Table table;
    QVERIFY(table.finish());
    std::string shown;
    QObject::connect(&table.workspace, &session::Workspace::promptChanged, &table.store,
                     [&](const std::string& prompt) { shown = prompt; });
    table.workspace.readRepeatedTokens({.length = 5, .copies = 3});
    QTRY_COMPARE(table.length(1), 15);
    const std::vector<int> read = table.text(0);
    QCOMPARE(read.size(), std::size_t{15});
    for (std::size_t i = 5; i < read.size(); ++i) QCOMPARE(read[i], read[i - 5]);
    QCOMPARE(std::set<int>(read.begin(), read.end()).size(), std::size_t{5});
    QVERIFY(!table.host.state().playing);
    QCOMPARE(table.settings.promptForm(), session::PromptForm::Ids);
    table.workspace.setPromptForm(session::PromptForm::Text, shown);
    QCOMPARE(shown, std::string("It is a truth"));
    // More than there are ids.
    table.workspace.readRepeatedTokens({.length = 1 << 20});
    QTRY_VERIFY(table.textHas("random tokens, each another one, cannot be drawn from"));
  }

  /// Lockstep is asked for, cannot be had for one lane, and is back when that lane is gone.
  void lockstepComesBack() {
    Table table;
    table.settings.setPace({1.0});
    table.workspace.start({"mha", "mqa"});
    QTRY_COMPARE(table.length(1), 13);
    table.workspace.addLane("no-tokenizer");
    QTRY_COMPARE(table.store.laneCount(), 3);
    QTRY_VERIFY(table.textHas("has another tokenizer than the other lanes"));
    QCOMPARE(table.host.state().feed, session::TokenFeed::Lockstep);
    table.workspace.closeLane(1);
    QTRY_VERIFY(table.textHas("these lanes have different tokenizers"));
    QTRY_COMPARE(table.host.state().feed, session::TokenFeed::FreeRun);
    table.workspace.closeLane(1);
    QTRY_COMPARE(table.host.state().feed, session::TokenFeed::Lockstep);
  }
};

QTEST_GUILESS_MAIN(TestWorkspace)
#include "tst_workspace.moc"
