#include <QFile>
#include <cmath>
#include <map>

#include "core/evaluation/logit_attribution.h"
#include "core/evaluation/logit_lens.h"
#include "core/model/error.h"
#include "core/model/host_memory.h"
#include "tests/app_session/inside_table.h"

using namespace headroom;

namespace {
constexpr int kPatienceMs = test::InsideTable::kPatienceMs;
/// Single precision of the decoder.
constexpr double kTolerance = 1e-4;
/// A token of the models' vocabulary, which is bytes: "e".
constexpr int kE = 101;

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

/// After the last of `tokens`, [vocabSize].
std::vector<float> logitsAfter(const session::LaneRequest& lane, const std::vector<int>& tokens) {
  const auto opener = lanes::deviceLanes();
  const lanes::LaneEngine engine = opener->open(lane, [](double) {});
  for (const int token : tokens)
    engine.decoder->runRows(engine.decoder->rowsOf(std::span(&token, 1)),
                            {.logits = model::LogitsRequest::last()});
  const auto logits = engine.decoder->logits();
  return {logits.begin(), logits.end()};
}

double differenceOf(const std::vector<float>& logits, int token, int other) {
  return static_cast<double>(logits[static_cast<std::size_t>(token)]) -
         static_cast<double>(logits[static_cast<std::size_t>(other)]);
}
int likeliest(const std::vector<float>& logits) {
  return static_cast<int>(std::ranges::max_element(logits) - logits.begin());
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

  /// The parts are core's, the largest first, and add up to the logit that the lane's own decoder gives.
  void partsAddUpToALogit() {
    test::InsideTable table;
    const session::LaneRequest lane{.source = table.write("gqa.gguf", 2), .colorIndex = 0, .options = {}};
    table.decode({lane});
    table.selection.setPosition(4);
    table.board.attribute(0, std::nullopt, "e");
    QTRY_VERIFY_WITH_TIMEOUT(table.board.attribution(), kPatienceMs);
    const session::AttributionReport report = *table.board.attribution();
    QCOMPARE(report.token, 6);  // that came next
    QCOMPARE(report.other.value(), kE);
    const std::vector<int> fed{1, 2, 3, 4, 5};
    QVERIFY(std::abs(report.total - differenceOf(logitsAfter(lane, fed), 6, kE)) < kTolerance);
    const auto opener = lanes::deviceLanes();
    const lanes::LaneEngine engine = opener->open(lane, [](double) {});
    const evaluation::LogitAttribution added =
        evaluation::attributeLogit(*engine.decoder, *engine.model, fed, 4, {.token = 6, .other = kE});
    double sum = 0.0, before = INFINITY;
    int heads = 0;
    for (const session::AddedPart& part : report.parts) {
      sum += part.contribution;
      QVERIFY(std::abs(part.contribution) <= before);
      before = std::abs(part.contribution);
      if (part.kind != session::AddedPart::Kind::Head) continue;
      ++heads;
      QCOMPARE(part.kvHead, part.queryHead / 2);
      QVERIFY(std::abs(part.contribution - added.head(part.layer, part.queryHead)) < kTolerance);
    }
    QCOMPARE(heads, 2 * 4);
    QVERIFY(std::abs(sum - report.total) < 1e-9);
    QCOMPARE(report.largest(), std::abs(report.parts.front().contribution));
    QCOMPARE(QString::fromStdString(table.board.attributionCsv()).count('\n'),
             1 + static_cast<int>(report.parts.size()));

    // At the newest position it is the most likely token, and a chosen one is taken away.
    QTRY_VERIFY_WITH_TIMEOUT(!table.board.studying().underWay, kPatienceMs);
    table.selection.setPosition(std::nullopt);
    const std::vector<model::Candidate> candidates = table.board.candidates(0);
    QVERIFY(candidates.size() > 1);
    table.board.attribute(0, candidates[1].token, "not read");
    QTRY_COMPARE_WITH_TIMEOUT(table.board.attribution()->text.position, 7, kPatienceMs);
    const std::vector<float> logits = logitsAfter(lane, {1, 2, 3, 4, 5, 6, 7, 8});
    QCOMPARE(table.board.attribution()->token, likeliest(logits));
    QVERIFY(std::abs(table.board.attribution()->total -
                     differenceOf(logits, likeliest(logits), candidates[1].token)) < kTolerance);
  }

  void whatIsTypedIsOneToken() {
    test::InsideTable table;
    table.decode({{table.write("mqa.gguf", 1), 0, {}}});
    table.board.attribute(0, std::nullopt, "5, 6");
    QTRY_VERIFY_WITH_TIMEOUT(table.fixture.textHas("\u201c5, 6\u201d is 4 tokens to mqa, expected one"),
                             kPatienceMs);
    QVERIFY(!table.board.attribution());
  }

  /// What no copy can change stays, what carries everything restores everything.
  void copiesCarryWhatTellsTextsApart() {
    test::InsideTable table;
    const session::LaneRequest lane{.source = table.write("gqa.gguf", 2), .colorIndex = 0, .options = {}};
    table.decode({lane});
    table.board.patch({.lane = lane,
                       .clean = "abcd",
                       .corrupt = "abxd",
                       .answer = "",
                       .otherAnswer = "e",
                       .place = session::PatchPlace::Residual});
    QTRY_VERIFY_WITH_TIMEOUT(table.board.patches(), kPatienceMs);
    const session::PatchReport residual = *table.board.patches();
    QVERIFY(residual.isWhole);
    const std::vector<float> clean = logitsAfter(lane, {97, 98, 99, 100}),
                             corrupt = logitsAfter(lane, {97, 98, 120, 100});
    const int answer = likeliest(clean);
    QCOMPARE(residual.question.answer, answer);
    QCOMPARE(residual.question.otherAnswer, kE);
    const double apart = differenceOf(clean, answer, kE) - differenceOf(corrupt, answer, kE);
    QVERIFY(std::abs(apart) > 0.01);
    QVERIFY(std::abs(residual.survey.cleanDifference - differenceOf(clean, answer, kE)) < kTolerance);
    QVERIFY(std::abs(residual.survey.corruptDifference - differenceOf(corrupt, answer, kE)) < kTolerance);
    QCOMPARE(residual.rows(), 3);
    QCOMPARE(residual.survey.columns, 4);
    for (int row = 0; row < residual.rows(); ++row) {
      // What stands before the token that differs is the same in both.
      QVERIFY(std::abs(residual.effectAt(row, 0).value()) < 1e-9);
      QVERIFY(std::abs(residual.effectAt(row, 1).value()) < 1e-9);
    }
    QVERIFY(std::abs(residual.effectAt(0, 2).value() - apart) < kTolerance);
    QVERIFY(std::abs(residual.effectAt(2, 3).value() - apart) < kTolerance);
    QVERIFY(std::abs(residual.effectAt(0, 3).value()) < 1e-9);
    QVERIFY(!residual.effectAt(3, 0));
    QVERIFY(residual.largest() >= std::abs(apart) - kTolerance);
    QCOMPARE(QString::fromStdString(table.board.patchesCsv()).count('\n'), 1 + 3 * 4);

    QTRY_VERIFY_WITH_TIMEOUT(!table.board.studying().underWay, kPatienceMs);
    table.board.patch({.lane = lane, .clean = "abcd", .corrupt = "abxd", .answer = "f", .otherAnswer = "e"});
    QTRY_COMPARE_WITH_TIMEOUT(table.board.patches()->place, session::PatchPlace::Heads, kPatienceMs);
    QCOMPARE(table.board.patches()->rows(), 2);
    QCOMPARE(table.board.patches()->survey.columns, 4);
    QCOMPARE(table.board.patches()->survey.effects.size(), std::size_t{8});

    // Two texts of other lengths.
    QTRY_VERIFY_WITH_TIMEOUT(!table.board.studying().underWay, kPatienceMs);
    table.board.patch({.lane = lane, .clean = "ab", .corrupt = "abx", .answer = "f", .otherAnswer = "e"});
    QTRY_VERIFY_WITH_TIMEOUT(
        table.fixture.textHas("The clean text has 2 tokens and the corrupt one 3, expected as many in both"),
        kPatienceMs);
  }

  /// What was computed before a stop stays, row by row; nothing of it is made up.
  void whatIsStoppedKeepsWhatItHas() {
    test::InsideTable table;
    const session::LaneRequest lane{.source = table.write("gqa.gguf", 2), .colorIndex = 0, .options = {}};
    const auto opener = lanes::deviceLanes();
    int asked = 0;
    std::vector<double> shares;
    const session::StudyEvents events{
        .progress = [&](const session::Studying& how) { shares.push_back(how.share); },
        .stop = [&] { return ++asked > 5; }};
    const session::PatchReport patches = session::studyInside(
        *opener,
        session::PatchStudy{
            .lane = lane, .clean = "abcd", .corrupt = "abxd", .answer = "e", .otherAnswer = "f"},
        events);
    QVERIFY(!patches.isWhole && !isEmpty(patches));
    QCOMPARE(patches.survey.effects.size(), std::size_t{5});
    QVERIFY(patches.effectAt(1, 0) && !patches.effectAt(1, 1));
    QCOMPARE(shares.front(), 0.0);
    QCOMPARE(shares.back(), 5.0 / 8.0);

    const session::ReadText text{.lane = lane, .tokens = {1, 2, 3}, .fed = 3, .position = 2};
    const session::LensReport lens = session::studyInside(
        *opener, session::LensStudy{text}, {.progress = events.progress, .stop = [] { return true; }});
    QVERIFY(!lens.isWhole && isEmpty(lens));
  }

  /// Eight bytes for every parameter.
  void patchingTakesMemory() {
    session::requirePatchingMemory("MQA", 1000, 8000);
    session::requirePatchingMemory("MQA", 1000, std::nullopt);
    QString refusal;
    try {
      session::requirePatchingMemory("MQA", 1000, 2500);
    } catch (const model::Error& error) {
      refusal = error.what();
    }
    QCOMPARE(refusal,
             QString("MQA in 64-bit numbers takes 8.00 kB of memory, this machine has 2.50 kB free."));
    QFile table("/proc/meminfo");
    QVERIFY(table.open(QIODevice::ReadOnly));
    const QString total =
        QString::fromUtf8(table.readAll()).section("MemTotal:", 1).trimmed().section(' ', 0, 0);
    QVERIFY(model::freeHostMemory().value() > 0);
    QVERIFY(model::freeHostMemory().value() < 1024 * total.toULongLong());
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
    QCOMPARE(table.board.laneOf(text.lane).value(), 1);
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
