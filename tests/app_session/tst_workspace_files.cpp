// Experiments, traces and presets: what is opened and saved, and the way back.
#include <QSignalSpy>
#include <QTest>

#include "app/session/presets.h"
#include "app/session/trace_export.h"
#include "core/formats/trace/trace_file.h"
#include "tests/app_session/workspace_table.h"

using namespace headroom;
using test::Names;
using test::Table;

class TestWorkspaceFiles : public QObject {
  Q_OBJECT

 private slots:
  /// Lanes, prompt and every choice come from the file, are remembered, and go away again.
  void anExperimentIsOpenedAndLeft() {
    Table table;
    QVERIFY(table.finish());
    const std::vector<int> text = table.text(0);
    lanes::Experiment experiment{.lanes = {{"gqa", 2, {.batch = 4}}, {"mha", 0, {}}},
                                 .prompt = "65, 66",
                                 .promptForm = session::PromptForm::Ids,
                                 .sampling = {.temperature = 0.5f, .topK = 7, .topP = 0.25f, .seed = 9},
                                 .tokensPerSecond = 0.0,
                                 .feed = session::TokenFeed::FreeRun,
                                 .fill = 20,
                                 .whenTextEnds = session::WhenTextEnds::Stop};
    const std::string path = table.folder.filePath("e.headroom").toStdString();
    lanes::writeExperiment(experiment, path);
    table.workspace.openFiles({path});
    QTRY_COMPARE(table.sources(), (Names{"gqa", "mha"}));
    QTRY_COMPARE(table.length(1), 64);
    QVERIFY(table.workspace.experiment() == experiment);
    QVERIFY(table.settings.experiment().sampling == experiment.sampling);
    QCOMPARE(table.text(1)[0], 65);
    QCOMPARE(table.text(1)[1], 66);
    QCOMPARE(table.store.lane(1).promptLength(), 20);
    QCOMPARE(table.settings.recentFiles(), (Names{path}));
    QVERIFY(!table.workspace.wayBack().empty());
    table.workspace.goBack();
    QTRY_COMPARE(table.sources(), (Names{"mha", "mqa"}));
    QCOMPARE(table.settings.prompt(), std::string("It is a truth"));
    QVERIFY(table.settings.promptForm() == session::PromptForm::Text);
    table.workspace.togglePlaying();
    QTRY_VERIFY(table.text(0) == text);
  }

  /// A file is one model by whatever name it is asked for.
  void aFileIsNamedWhole() {
    Table table;
    QVERIFY(table.finish());
    QFile file(table.folder.filePath("some.gguf"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    const QString before = QDir::currentPath();
    QDir::setCurrent(table.folder.path());
    table.workspace.addLane("./some.gguf");
    QDir::setCurrent(before);
    QTRY_VERIFY(table.sources().size() == 3);
    QCOMPARE(QString::fromStdString(table.sources().back()),
             QDir(table.folder.path()).absoluteFilePath("some.gguf"));
    QCOMPARE(table.settings.recentFiles(), Names{table.sources().back()});
    // A folder, as the shell completes its name.
    QVERIFY(QDir(table.folder.path()).mkdir("Some-1.5B"));
    table.workspace.addLane(table.folder.filePath("Some-1.5B/").toStdString());
    QTRY_VERIFY(table.sources().size() == 4);
    QCOMPARE(QString::fromStdString(table.sources().back()), table.folder.filePath("Some-1.5B"));
  }

  /// From one experiment to the next: the way back leads to where both were opened from.
  void theWayBackLeadsToWhereOneCameFrom() {
    Table table;
    QVERIFY(table.finish());
    const lanes::Experiment before = table.workspace.experiment();
    const std::string path = table.folder.filePath("e.headroom").toStdString();
    table.workspace.goTo({.batch = 8, .positions = 10});
    QTRY_COMPARE(table.store.lane(0).info().batch, 8);
    for (const char* prompt : {"One", "Two"}) {
      lanes::writeExperiment({.lanes = {{"gqa", 0, {}}}, .prompt = prompt}, path);
      table.workspace.openExperiment(path);
      QTRY_COMPARE(table.sources(), (Names{"gqa"}));
      QTRY_COMPARE(table.settings.prompt(), std::string(prompt));
    }
    table.workspace.goBack();
    QTRY_COMPARE(table.sources(), (Names{"mha", "mqa"}));
    QTRY_VERIFY(table.workspace.experiment() == before);
    QVERIFY(table.workspace.wayBack().empty());
  }

  /// What somebody arranged since a button led away is not lost by the next one.
  void theWayBackKeepsWhatWasArrangedSince() {
    Table table;
    QVERIFY(table.finish());
    table.workspace.usePreset(session::Preset::Class);
    QTRY_COMPARE(table.sources(), (Names{"mha", "gqa", "mqa"}));
    table.workspace.enterPrompt("Once there was");
    table.workspace.closeLane(0);
    QTRY_COMPARE(table.sources(), (Names{"gqa", "mqa"}));
    table.workspace.compareKernels(1);
    QTRY_COMPARE(table.sources(), (Names{"mqa", "mqa"}));
    table.workspace.goBack();
    QTRY_COMPARE(table.sources(), (Names{"gqa", "mqa"}));
    QCOMPARE(table.settings.prompt(), std::string("Once there was"));
  }

  void whatIsSavedIsWhatRuns() {
    Table table;
    QVERIFY(table.finish());
    table.workspace.setFill(30);
    QTRY_COMPARE(table.host.state().fill, 30);
    const std::string path = table.folder.filePath("saved.headroom").toStdString();
    table.workspace.saveExperiment(path);
    QVERIFY(table.textHas("is saved as"));
    const lanes::Experiment saved = lanes::readExperiment(path);
    QVERIFY(saved.lanes == table.workspace.lanes());
    QCOMPARE(saved.fill, 30);
    QCOMPARE(saved.prompt, std::string("It is a truth"));
    table.workspace.saveExperiment(table.folder.filePath("no/such.headroom").toStdString());
    QVERIFY(table.textHas("no/such.headroom"));
  }

  void aLaneThatIsMissingIsNamedAndTheRestOpens() {
    Table table;
    const std::string path = table.folder.filePath("e.headroom").toStdString();
    lanes::writeExperiment(
        {.lanes = {{"gqa", 0, {}}, {"/m/missing.gguf", 1, {}}, {"mqa", 2, {}}}, .prompt = "It is"}, path);
    // At the start, with a further model.
    QVERIFY(table.finish({path, "mha"}));
    QCOMPARE(table.sources(), (Names{"gqa", "mqa", "mha"}));
    QCOMPARE(table.settings.recentFiles(), (Names{path}));  // and no bundled model
    QVERIFY(table.textHas("missing.gguf: no such file"));
    QCOMPARE(table.store.lane(0).promptLength(), 5);
  }

  void aLaneIsSavedAsATrace_data() {
    QTest::addColumn<QString>("source");
    QTest::addColumn<int>("fill");
    QTest::addColumn<int>("tokens");  // at least
    QTest::addColumn<int>("rows");    // 0: all
    QTest::addColumn<QString>("sentence");
    QTest::newRow("MHA") << "mha" << 0 << 64 << 0 << "64 tokens with their attention.";
    QTest::newRow("MQA") << "mqa" << 0 << 64 << 0 << "64 tokens with their attention.";
    QTest::newRow("beyond the positions that are kept whole")
        << "long" << 1200 << 1200 << 1024 << "attention of positions 0 to 1,023 only";
  }
  void aLaneIsSavedAsATrace() {
    QFETCH(QString, source);
    QFETCH(int, fill);
    QFETCH(int, tokens);
    QFETCH(int, rows);
    QFETCH(QString, sentence);
    Table table;
    table.workspace.start({source.toStdString()});
    if (fill > 0) {
      QTRY_COMPARE(table.store.laneCount(), 1);
      table.workspace.setFill(fill);
    }
    QTRY_VERIFY(table.length(0) >= tokens);
    table.host.pause();
    QTRY_VERIFY(!table.host.state().playing);
    QTest::qWait(50);
    const std::string path = table.folder.filePath("lane.safetensors").toStdString();
    table.workspace.saveTrace(0, path);
    QVERIFY2(table.textHas(qPrintable(sentence)), qPrintable(table.messages.join('\n')));
    const model::Trace trace = formats::readTrace(path);
    QVERIFY(trace.tokens == table.text(0));
    QCOMPARE(trace.promptTokens, table.store.lane(0).promptLength());
    QCOMPARE(trace.config.attention.kvHeadCount, source == "mqa" ? 1 : 8);
    QCOMPARE(trace.recorded.rowCount, rows > 0 ? rows : table.length(0));
    QCOMPARE(trace.recorded.firstRow, 0);
    QCOMPARE(trace.pieces.at(table.text(0)[0]), std::string("I"));
    // What the decoder gives by its definition, in F16.
    const int last = trace.recorded.rowCount - 1;
    std::vector<float> row(trace.tokens.size());
    for (int layer = 0; layer < test::FakeDecoder::kLayerCount; ++layer) {
      for (int head = 0; head < test::FakeDecoder::kQueryHeadCount; ++head) {
        trace.attention[static_cast<std::size_t>(layer)].readRow(
            std::int64_t{head} * trace.recorded.rowCount + last, row);
        for (int attended = 0; attended < std::ssize(row); ++attended) {
          const float expected =
              attended > last ? 0.0f : test::FakeDecoder::attentionFor(head, last, attended);
          QVERIFY(std::abs(row[static_cast<std::size_t>(attended)] - expected) <= 1e-3f * expected);
        }
      }
    }
  }

  /// A vocabulary may be larger than its tokenizer: such tokens have no bytes.
  void ofTokensWithoutBytesATraceIsSaved() {
    Table table;
    QVERIFY(table.finish());
    session::LaneTrace lane = table.store.lane(0);
    session::LaneInfo info = lane.info();
    info.pieces.resize(static_cast<std::size_t>(lane.tokens()[20]));  // that token is the first without
    lane.describe(info);
    const std::string path = table.folder.filePath("lane.safetensors").toStdString();
    const session::Message said = session::saveLaneTrace(lane, path);
    QVERIFY2(said.severity != session::Severity::Problem, said.sentence.c_str());
    const model::Trace trace = formats::readTrace(path);
    QCOMPARE(trace.tokens.size(), std::size_t{64});
    const auto piece = trace.pieces.find(trace.tokens[20]);
    QVERIFY(piece == trace.pieces.end() || piece->second.empty());
  }

  /// What was given up for want of memory is not made up.
  void ofAThinnedLaneTheNewRowsAreSaved() {
    Table table;
    QVERIFY(table.finish());
    session::LaneTrace lane = table.store.lane(0);
    // First the layers of old steps are added up, then the prompt's rows and those of the next steps go.
    while (!lane.attentionRow(0, 0, 20).empty()) lane.thin();
    const std::string path = table.folder.filePath("lane.safetensors").toStdString();
    const session::Message said = session::saveLaneTrace(lane, path);
    QVERIFY2(said.sentence.find("positions 21 to 63 only") != std::string::npos, said.sentence.c_str());
    const model::Trace trace = formats::readTrace(path);
    QCOMPARE(trace.tokens.size(), std::size_t{64});
    QCOMPARE(trace.recorded.firstRow, 21);
    QCOMPARE(trace.recorded.rowCount, 43);
    while (lane.canThin()) lane.thin();
    const session::Message none = session::saveLaneTrace(lane, table.folder.filePath("none").toStdString());
    QVERIFY2(none.sentence.find("no row of attention") != std::string::npos, none.sentence.c_str());
    QVERIFY(!QFile::exists(table.folder.filePath("none")));
    QVERIFY(session::saveLaneTrace(table.store.lane(0), "/no/such/lane.safetensors").severity ==
            session::Severity::Problem);
  }

  void aPresetIsUsedAndLeft_data() {
    QTest::addColumn<int>("preset");
    QTest::addColumn<Names>("sources");
    QTest::addColumn<QString>("prompt");
    QTest::addColumn<int>("batch");
    QTest::addColumn<int>("fill");
    QTest::addColumn<double>("pace");
    const auto row = [](session::Preset preset, const Names& sources, const char* prompt, int batch, int fill,
                        double pace) {
      QTest::newRow(session::presetName(preset).c_str())
          << static_cast<int>(preset) << sources << prompt << batch << fill << pace;
    };
    const char* own = "It is a truth";
    row(session::Preset::Class, {"mha", "gqa", "mqa"}, own, 1, 0, 10.0);
    // The context of 64 is full but for its half, which is less than there would be room for in a long one.
    row(session::Preset::LongContext, {"gqa", "mqa"}, own, 2, 32, 0.0);
    row(session::Preset::Batch8, {"gqa", "mqa"}, own, 8, 20, 0.0);
    row(session::Preset::FirstStart, {"mha", "mqa"}, "Once upon a time", 1, 0, 20.0);
  }
  void aPresetIsUsedAndLeft() {
    QFETCH(int, preset);
    QFETCH(Names, sources);
    QFETCH(QString, prompt);
    QFETCH(int, batch);
    QFETCH(int, fill);
    QFETCH(double, pace);
    Table table;
    table.settings.setSampling({.temperature = 0.5f, .topK = 7, .seed = 9});
    const std::string path = table.folder.filePath("e.headroom").toStdString();
    lanes::writeExperiment({.lanes = {{"gqa", 2, {.batch = 2}}, {"mqa", 3, {.batch = 2}}},
                            .prompt = "It is a truth",
                            .sampling = {.temperature = 0.5f, .topK = 7, .seed = 9},
                            .feed = session::TokenFeed::FreeRun,
                            .fill = 20},
                           path);
    QVERIFY(table.finish({path}));
    const lanes::Experiment before = table.workspace.experiment();
    const std::vector<int> text = table.text(0);
    table.workspace.usePreset(static_cast<session::Preset>(preset));
    QTRY_VERIFY(table.sources() == sources && table.host.state().fill == fill);
    QTRY_COMPARE(table.store.lane(0).info().batch, batch);
    QTRY_VERIFY(table.length(0) > std::max(fill, 5));
    const lanes::Experiment now = table.workspace.experiment();
    QCOMPARE(QString::fromStdString(now.prompt), prompt);
    QCOMPARE(now.tokensPerSecond, pace);
    QCOMPARE(table.store.lane(0).info().contextLength, 64);
    QVERIFY(!table.workspace.wayBack().empty());
    table.workspace.goBack();
    QTRY_VERIFY(table.workspace.experiment() == before);
    table.host.play();
    QTRY_VERIFY(table.text(0) == text);
  }

  void longContextsKeepRoomToDecode() {
    Table table;
    table.workspace.start({"long"});
    QTRY_COMPARE(table.store.laneCount(), 1);
    table.workspace.usePreset(session::Preset::LongContext);
    QTRY_COMPARE(table.store.lane(0).filledLength(), 2048 - model::kRoomToDecode);
    QTRY_COMPARE(table.length(0), 2048);
  }

  /// With the text as it is: there would be nothing to come back to.
  void aPresetThatIsThereAlreadyChangesNothing() {
    Table table;
    table.settings.setPrompt("Once upon a time");
    table.settings.setPace({20.0});
    table.workspace.start({});
    QTRY_VERIFY(table.length(1) > 18);
    QSignalSpy restarted(&table.host, &session::SessionHost::restarted);
    table.workspace.usePreset(session::Preset::FirstStart);
    QTest::qWait(100);
    QCOMPARE(restarted.count(), 0);
    QVERIFY(table.workspace.wayBack().empty());
  }

  void aBrokenExperimentChangesNothing() {
    Table table;
    QVERIFY(table.finish());
    const lanes::Experiment before = table.workspace.experiment();
    QFile file(table.folder.filePath("broken.headroom"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("{\"format\": \"headroom-experiment\", \"version\": 9}");
    file.close();
    table.workspace.openFiles({file.fileName().toStdString()});
    QVERIFY(table.textHas("its version is 9"));
    QVERIFY(table.workspace.experiment() == before);
    QVERIFY(table.workspace.wayBack().empty());
  }
};

QTEST_GUILESS_MAIN(TestWorkspaceFiles)
#include "tst_workspace_files.moc"
