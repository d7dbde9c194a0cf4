#include <QFile>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>

#include "app/session/head_board.h"
#include "app/session/head_worth.h"
#include "core/lanes/device_lanes.h"
#include "core/model/error.h"
#include "tests/app_session/session_fixture.h"
#include "tests/support/small_model_file.h"

using namespace headroom;

namespace {
/// A machine that compiles beside, and kernels that Mesa compiles first.
constexpr int kPatienceMs = 30000;

/// Small models on the real device, read as ids; two layers of four query heads.
struct Table {
  QTemporaryDir folder;
  session::Settings settings{folder.filePath("settings.ini")};
  test::SessionFixture fixture{lanes::deviceLanes()};
  session::Selection selection;
  session::Workspace workspace{fixture.host, fixture.store, selection, settings};
  session::HeadBoard board{fixture.host, fixture.store, selection, workspace};

  std::string write(const char* name, int kvHeads) {
    return tests::writeSmallModel(folder.filePath(name).toStdString(), kvHeads);
  }
  void decode(const std::vector<std::string>& models) {
    fixture.host.setPrompt("1, 2, 3, 4, 5, 6, 7, 8", session::PromptForm::Ids);
    fixture.open(models);
    QTRY_COMPARE_WITH_TIMEOUT(fixture.store.laneCount(), static_cast<int>(models.size()), kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(fixture.length(static_cast<int>(models.size()) - 1), 8, kPatienceMs);
  }
  void study(std::size_t entries) {
    board.study({}, {.length = 4});
    QTRY_COMPARE_WITH_TIMEOUT(board.entries().size(), entries, kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(!board.studying().underWay, kPatienceMs);
  }
  session::LaneInfo info(int lane) { return fixture.store.lane(lane).info(); }
};

}  // namespace

/// What is known of the heads of lanes, and when it is known no more.
class TestHeadBoard : public QObject {
  Q_OBJECT

 private slots:
  void lossesStayWithTheirText() {
    Table table;
    table.decode({table.write("gqa.gguf", 2)});
    table.study(1);
    QVERIFY(!table.board.baselineOf(0));
    table.board.findLosses(0, {{1, 2}, {0, 3}});
    QTRY_VERIFY_WITH_TIMEOUT(table.board.lossOf(0, {0, 3}), kPatienceMs);
    QVERIFY(table.board.lossOf(0, {1, 2}));
    QVERIFY(!table.board.lossOf(0, {0, 0}));
    const double change = table.board.lossOf(0, {1, 2})->change;
    const double baseline = table.board.baselineOf(0).value();
    QVERIFY(baseline > 0.0);
    // A group is another question: what is known of heads stays.
    table.board.findGroupLoss(0, 1, 1);
    QTRY_VERIFY_WITH_TIMEOUT(table.board.groupLossOf(0, 1, 1), kPatienceMs);
    QVERIFY(!table.board.groupLossOf(0, 1, 0));
    QCOMPARE(table.board.baselineOf(0).value(), baseline);
    // The same text once more, with other random tokens: losses are what they were.
    table.board.study({}, {.length = 5});
    QTRY_COMPARE_WITH_TIMEOUT(table.board.entries()[0].report.repeated.length, 5, kPatienceMs);
    QVERIFY(table.board.lossOf(0, {1, 2}));
    QCOMPARE(table.board.lossOf(0, {1, 2})->change, change);
    // Another text: they are of no text that is here.
    QTRY_VERIFY_WITH_TIMEOUT(!table.board.studying().underWay, kPatienceMs);
    table.fixture.host.stepOne();
    QTRY_COMPARE_WITH_TIMEOUT(table.fixture.length(0), 9, kPatienceMs);
    table.study(1);
    QTRY_COMPARE_WITH_TIMEOUT(table.board.entries()[0].report.tokens.size(), std::size_t{9}, kPatienceMs);
    QVERIFY(!table.board.lossOf(0, {1, 2}));
  }

  /// KV heads and query heads in one order, and what they say of each other.
  void whatHeadsAreWorth() {
    Table table;
    table.decode({table.write("gqa.gguf", 2), table.write("mha.gguf", 4)});
    table.study(2);
    QVERIFY(session::headWorths(table.board).empty());
    table.board.findGroupLosses(0);
    QTRY_COMPARE_WITH_TIMEOUT(table.board.entries()[0].groupLosses.heads.size(), std::size_t{4}, kPatienceMs);
    table.board.findLosses(0, {{0, 0}, {1, 3}});
    QTRY_VERIFY_WITH_TIMEOUT(table.board.lossOf(0, {1, 3}), kPatienceMs);
    // Where each query head has a KV head of its own there is nothing else to list.
    table.board.findGroupLosses(1);
    QTRY_COMPARE_WITH_TIMEOUT(table.board.entries()[1].groupLosses.heads.size(), std::size_t{8}, kPatienceMs);
    const auto worths = session::headWorths(table.board);
    QCOMPARE(worths.size(), std::size_t{6});
    const auto changeOf = [](const session::HeadWorth& worth) {
      return worth.loss.withinNoise ? 0.0 : worth.loss.change;
    };
    QVERIFY(std::ranges::is_sorted(worths, std::ranges::greater{}, changeOf));
    int groups = 0;
    for (const session::HeadWorth& worth : worths) {
      const bool isGroup = worth.unit == evaluation::AblationUnit::KvHead;
      groups += isGroup ? 1 : 0;
      QCOMPARE(worth.readers, isGroup ? 2 : 1);
      QVERIFY(worth.loss.effects.has_value());
    }
    QCOMPARE(groups, 4);
    const QString answer = QString::fromStdString(session::worthAnswer(table.board, worths));
    for (const char* part :
         {"Of shared KV heads gqa L", "without it and its 2 heads the loss changes by",
          "Of query heads gqa L", "gqa: 2 of 8 heads, 4 of 4 KV heads; mha: 0 of 8 heads."})
      QVERIFY2(answer.contains(part), qPrintable(answer));
    const QStringList lines =
        QString::fromStdString(session::worthCsv(table.board, worths)).split('\n', Qt::SkipEmptyParts);
    QCOMPARE(lines.size(), 7);
    for (const QString& line : lines) QCOMPARE(line.count(','), 10);
  }

  void headsGoAndComeBack() {
    Table table;
    table.decode({table.write("gqa.gguf", 2), table.write("mqa.gguf", 1)});
    table.study(2);
    table.board.switchHeads(1, {{0, 1}});
    QTRY_VERIFY_WITH_TIMEOUT(table.board.changeOf(1, {0, 1}), kPatienceMs);
    QVERIFY(!table.board.changeOf(0, {0, 1}));
    QVERIFY(table.fixture.store.lane(0).info().changes.empty());
    QTRY_COMPARE_WITH_TIMEOUT(table.fixture.length(1), 8, kPatienceMs);
    // What was found of the model stays, and is of the whole model when it is asked again.
    QCOMPARE(table.board.entries().size(), std::size_t{2});
    const auto before = table.board.entries()[1].report.survey.heads;
    table.board.study({}, {.length = 5});
    QTRY_VERIFY_WITH_TIMEOUT(
        table.board.entries().size() == 2 && table.board.entries()[1].report.repeated.length == 5,
        kPatienceMs);
    QCOMPARE(table.board.entries()[1].report.survey.heads.back().scores.entropy,
             before.back().scores.entropy);
    // A KV head that lacks one of its heads goes whole, and comes back whole.
    table.selection.askToSwitch({1, 0, 3}, session::SwitchedHeads::KvHead);
    QTRY_COMPARE_WITH_TIMEOUT(table.info(1).changes.size(), std::size_t{4}, kPatienceMs);
    table.selection.askToSwitch({1, 0, 3}, session::SwitchedHeads::KvHead);
    QTRY_VERIFY_WITH_TIMEOUT(table.info(1).changes.empty(), kPatienceMs);
    // What else they can give. A mean is measured over what the lane has read, and kept.
    table.selection.askToChange({{1, 0, 3},
                                 session::SwitchedHeads::KvHead,
                                 model::HeadChange{.head = {}, .output = model::HeadOutput::Uniform}});
    QTRY_COMPARE_WITH_TIMEOUT(table.info(1).changes.size(), std::size_t{4}, kPatienceMs);
    for (const model::HeadChange& change : table.info(1).changes)
      QCOMPARE(change.output, model::HeadOutput::Uniform);
    QTRY_COMPARE_WITH_TIMEOUT(table.fixture.length(1), 8, kPatienceMs);
    table.board.changeHeads(1, {{0, 1}}, model::HeadChange{.head = {}, .output = model::HeadOutput::Mean});
    QTRY_VERIFY_WITH_TIMEOUT(
        table.info(1).changeOf({0, 1}) && table.info(1).changeOf({0, 1})->output == model::HeadOutput::Mean,
        kPatienceMs);
    const model::HeadChange mean = *table.info(1).changeOf({0, 1});
    QCOMPARE(mean.meanPositions, std::int64_t{8});
    QCOMPARE(mean.mean.size(), static_cast<std::size_t>(table.info(1).config.attention.headDim));
    QVERIFY(std::ranges::any_of(mean.mean, [](float element) { return element != 0.0f; }));
    QCOMPARE(table.info(1).changeOf({0, 0})->output, model::HeadOutput::Uniform);
    QTRY_COMPARE_WITH_TIMEOUT(table.fixture.length(1), 8, kPatienceMs);
    // Another head's change takes the mean along as it is.
    table.board.changeHeads(1, {{0, 0}}, std::nullopt);
    QTRY_VERIFY_WITH_TIMEOUT(!table.info(1).changeOf({0, 0}), kPatienceMs);
    QCOMPARE(*table.info(1).changeOf({0, 1}), mean);
    // Whatever a KV head gives, switching brings it back.
    table.selection.askToSwitch({1, 0, 1}, session::SwitchedHeads::QueryHead);
    QTRY_VERIFY_WITH_TIMEOUT(!table.info(1).changeOf({0, 1}), kPatienceMs);
    // Of a lane that is closed nothing is left; of none there is nothing to find.
    table.workspace.closeLane(0);
    QTRY_COMPARE_WITH_TIMEOUT(table.board.entries().size(), std::size_t{1}, kPatienceMs);
    QCOMPARE(table.board.entries()[0].report.title, std::string("mqa"));
    table.workspace.closeLane(0);
    QTRY_COMPARE_WITH_TIMEOUT(table.board.entries().size(), std::size_t{0}, kPatienceMs);
    table.board.study({}, {});
    QTRY_VERIFY_WITH_TIMEOUT(table.fixture.textHas("There is no lane whose heads could be looked at"),
                             kPatienceMs);
  }

  /// With and without a head it is one model.
  void lanesOfOneModelAreStudiedOnce() {
    Table table;
    const std::string path = table.write("gqa.gguf", 2);
    table.decode({path, path});
    table.study(1);
    const QStringList lines = QString::fromStdString(table.board.csv()).split('\n', Qt::SkipEmptyParts);
    QCOMPARE(lines.size(), 1 + 2 * 4);
    for (const QString& line : lines) QCOMPARE(line.count(','), lines.front().count(','));
    QVERIFY2(lines[1].startsWith("gqa,0,0,0,") && lines[1].endsWith(",,,,,,,decoded,8,"),
             qPrintable(lines[1]));
  }

  void whatCannotBeReadIsSaid() {
    Table table;
    table.decode({table.write("gqa.gguf", 2)});
    // More random tokens than the context holds.
    table.board.study({}, {.length = 60, .copies = 3});
    QTRY_VERIFY_WITH_TIMEOUT(
        table.fixture.textHas("60 random tokens said 3 times are 180 positions, the context holds 128"),
        kPatienceMs);
    QVERIFY(table.board.entries().empty());
    // The decoder's text goes on.
    table.fixture.host.stepOne();
    QTRY_COMPARE_WITH_TIMEOUT(table.fixture.length(0), 9, kPatienceMs);
    QVERIFY_THROWS_EXCEPTION(model::Error, session::readStudyText(table.folder.filePath("none.txt")));
    QFile file(table.folder.filePath("story.txt"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("One day");
    file.close();
    QCOMPARE(session::readStudyText(file.fileName()).text, std::string("One day"));
    QCOMPARE(session::readStudyText(file.fileName()).name, std::string("story.txt"));
    QVERIFY(file.resize(static_cast<qint64>(session::kMostPromptBytes) + 1));
    QVERIFY_THROWS_EXCEPTION(model::Error, session::readStudyText(file.fileName()));
  }
};

QTEST_GUILESS_MAIN(TestHeadBoard)
#include "tst_head_board.moc"
