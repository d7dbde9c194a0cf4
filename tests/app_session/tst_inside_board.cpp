#include <cmath>
#include <map>

#include "core/evaluation/logit_lens.h"
#include "tests/app_session/inside_table.h"

using namespace headroom;

namespace {
constexpr int kPatienceMs = test::InsideTable::kPatienceMs;
/// Single precision of the decoder.
constexpr double kTolerance = 1e-4;

/// Logits of the lens by layer and position, of a decoder of the test's own.
using LensLogits = std::map<std::pair<int, int>, std::vector<float>>;

LensLogits lensLogits(const session::LaneRequest& lane, std::span<const int> tokens) {
  const auto opener = lanes::deviceLanes();
  const lanes::LaneEngine engine = opener->open(lane, [](double) {});
  LensLogits all;
  evaluation::readLens(
      *engine.decoder, *engine.model, tokens, {.first = 0, .count = static_cast<int>(tokens.size())},
      [] { return false; },
      [&](int layer, int position, std::span<const float> logits) {
        all[{layer, position}] = {logits.begin(), logits.end()};
      });
  return all;
}

double probabilityIn(const std::vector<float>& logits, int token) {
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  return std::exp(static_cast<double>(logits[static_cast<std::size_t>(token)])) / sum;
}

int rankIn(const std::vector<float>& logits, int token) {
  int rank = 1;
  for (const float logit : logits) rank += logit > logits[static_cast<std::size_t>(token)] ? 1 : 0;
  return rank;
}
}  // namespace

/// What is known of the inside of lanes' models, and when it is known no more.
class TestInsideBoard : public QObject {
  Q_OBJECT

 private slots:
  void layersAreReadOff_data() {
    QTest::addColumn<bool>("lacksAHead");
    QTest::newRow("all heads") << false;
    QTest::newRow("a lane without a head") << true;
  }
  /// Every cell says what softmax of the lens' own logits does, of the lane as it decodes.
  void layersAreReadOff() {
    QFETCH(bool, lacksAHead);
    test::InsideTable table;
    session::LaneRequest lane{.source = table.write("gqa.gguf", 2), .colorIndex = 0, .options = {}};
    if (lacksAHead)
      lane.options.changes = {{.head = {.layer = 0, .queryHead = 1}, .output = model::HeadOutput::Zero}};
    table.decode({lane});
    QVERIFY(table.board.canAsk(0));
    table.board.readLens(0);
    QTRY_VERIFY_WITH_TIMEOUT(table.board.lens(), kPatienceMs);
    const session::LensReport& report = *table.board.lens();
    QVERIFY(report.isWhole);
    QCOMPARE(report.layerCount, 2);
    QCOMPARE(report.first, 0);
    QCOMPARE(report.text.position, 7);
    QCOMPARE(report.text.fed, 8);
    // What the lane itself has chosen to come next.
    QCOMPARE(report.text.tokens.size(), std::size_t{9});
    QCOMPARE(report.text.tokens.back(), table.lane(0).choices().back());
    const std::vector<int> fed{1, 2, 3, 4, 5, 6, 7, 8};
    for (const auto& [place, logits] : lensLogits(lane, fed)) {
      const session::LensCell& cell = report.at(place.first, place.second);
      const int next = report.text.nextOf(place.second);
      QCOMPARE(cell.nextRank, rankIn(logits, next));
      QVERIFY(std::abs(cell.nextProbability - probabilityIn(logits, next)) < kTolerance);
      QCOMPARE(cell.top.size(), std::size_t{session::LensStudy::kTokens});
      for (std::size_t rank = 0; rank < cell.top.size(); ++rank) {
        QCOMPARE(rankIn(logits, cell.top[rank].token), static_cast<int>(rank) + 1);
        QVERIFY(std::abs(static_cast<double>(cell.top[rank].probability) -
                         probabilityIn(logits, cell.top[rank].token)) < kTolerance);
      }
      double entropy = 0.0;
      for (int token = 0; token < static_cast<int>(logits.size()); ++token)
        entropy -= probabilityIn(logits, token) * std::log(probabilityIn(logits, token));
      QVERIFY(std::abs(static_cast<double>(cell.entropy) - entropy) < kTolerance);
    }
    // After the last layer it is what the lane says.
    const std::vector<model::Candidate>& said = table.lane(0).stepAt(7).candidates;
    QCOMPARE(report.at(2, 7).top.front().token, said.front().token);
    // The same as a table: a line for each layer, position and token, behind the titles.
    const QString csv = QString::fromStdString(table.board.lensCsv());
    QCOMPARE(csv.count('\n'), 1 + 3 * 8 * session::LensStudy::kTokens);
  }

  /// At most 64 positions, which end at the one looked at.
  void aLongTextIsReadToThePositionLookedAt() {
    test::InsideTable table;
    QString ids = "1";
    for (int token = 2; token <= 100; ++token) ids += QString(", %1").arg(token % 20 + 1);
    table.fixture.host.setPrompt(ids.toStdString(), session::PromptForm::Ids);
    table.fixture.open({table.write("mqa.gguf", 1)});
    QTRY_COMPARE_WITH_TIMEOUT(table.fixture.length(0), 100, kPatienceMs);
    table.selection.setPosition(80);
    table.board.readLens(0);
    QTRY_VERIFY_WITH_TIMEOUT(table.board.lens(), kPatienceMs);
    QCOMPARE(table.board.lens()->first, 17);
    QCOMPARE(table.board.lens()->text.position, 80);
    QCOMPARE(table.board.lens()->cells.size(), std::size_t{3 * 64});
    QCOMPARE(table.board.lens()->text.nextOf(80), 82 % 20 + 1);
  }

  /// Positions are those of the lane while it has the text; of a lane that is closed nothing is left.
  void reportsGoWithTheirText() {
    test::InsideTable table;
    const std::string gqa = table.write("gqa.gguf", 2), mqa = table.write("mqa.gguf", 1);
    table.decode({{gqa, 0, {}}, {mqa, 1, {}}});
    table.board.readLens(1);
    QTRY_VERIFY_WITH_TIMEOUT(table.board.lens(), kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(!table.board.studying().underWay, kPatienceMs);
    const session::ReadText text = table.board.lens()->text;
    QCOMPARE(table.board.laneOf(text).value(), 1);
    QVERIFY(table.board.isCurrent(text));
    table.fixture.host.stepOne();
    QTRY_COMPARE_WITH_TIMEOUT(table.fixture.length(1), 9, kPatienceMs);
    QVERIFY(table.board.isCurrent(text));
    table.fixture.host.setPrompt("8, 7, 6, 5, 4, 3, 2, 1", session::PromptForm::Ids);
    table.fixture.host.restart();
    QTRY_VERIFY_WITH_TIMEOUT(table.fixture.length(1) == 8 && table.lane(1).tokens()[0] == 8, kPatienceMs);
    QVERIFY(!table.board.isCurrent(text));
    table.fixture.host.setLanes({{gqa, 0, {}}});
    QTRY_VERIFY_WITH_TIMEOUT(!table.board.lens(), kPatienceMs);
    QVERIFY(!table.board.canAsk(1));
    QVERIFY(!table.board.canAsk(-1));
  }
};

QTEST_GUILESS_MAIN(TestInsideBoard)
#include "tst_inside_board.moc"
