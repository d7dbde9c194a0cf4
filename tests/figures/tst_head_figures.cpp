#include <QImage>
#include <QTest>
#include <QXmlStreamReader>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "app/figures/figure_file.h"
#include "app/figures/head_figures.h"
#include "app/figures/offscreen.h"
#include "core/model/error.h"

using namespace headroom;
using figures::HeadCells;

namespace {

constexpr double kLimit = 1e-12;

/// Two layers of four query heads and two KV heads; of head h in layer l the numbers are known.
analysis::HeadSurvey survey() {
  analysis::HeadSurvey survey{.positions = 1234, .isWhole = true};
  for (int layer = 0; layer < 2; ++layer) {
    for (int head = 0; head < 4; ++head) {
      survey.heads.push_back({.layer = layer,
                              .queryHead = head,
                              .kvHead = head / 2,
                              .induction = 0.1 * layer + 0.05 * head,
                              .inductionDeviation = 0.01,
                              .writeShare = 0.5 - 0.25 * head});
    }
  }
  const auto pairs = [](int heads, double first, double step) {
    analysis::HeadPairs all{.headCount = heads, .rowCount = 1000, .layers = {}};
    for (int layer = 0; layer < 2; ++layer) {
      std::vector<double> values(static_cast<std::size_t>(heads * heads));
      for (int head = 0; head < heads; ++head) {
        for (int other = 0; other < heads; ++other)
          values[static_cast<std::size_t>(head * heads + other)] =
              head == other ? first : first + step * (std::abs(head - other) + 0.5 * layer);
      }
      all.layers.push_back(std::move(values));
    }
    return all;
  };
  survey.divergences = pairs(4, 0.0, 0.1);
  survey.outputCosines = pairs(4, 1.0, -0.5);
  survey.keyCka = pairs(2, 1.0, -0.4);
  survey.valueCka.headCount = 2;
  survey.omissions = {{"value_cka", "Nobody looked"}, {"copying", "The weights are not at hand"}};
  return survey;
}

figures::SurveyedLane laneOf(const analysis::HeadSurvey& survey) {
  return {.title = "GQA",
          .model = "a model",
          .device = "a device",
          .text = "story.txt",
          .repeated = "60 random tokens said twice",
          .color = analysis::kLaneColorsOnLight[1],
          .attention = {4, 2, 8},
          .layerCount = 2,
          .survey = &survey};
}

const figures::FigureOrigin kOrigin{"2026-11-28 12:00", "1.2.3"};

const analysis::HeadColumn& columnNamed(std::string_view name) {
  return *std::ranges::find(analysis::headColumns(), name,
                            [](const auto& column) { return std::string_view(column.name); });
}
const analysis::HeadComparison& comparisonNamed(std::string_view name) {
  return *std::ranges::find(analysis::headComparisons(), name,
                            [](const auto& comparison) { return std::string_view(comparison.name); });
}

QStringList linesOf(const figures::Figure& figure) {
  return QString::fromStdString(figures::csvText(figure)).split('\n', Qt::SkipEmptyParts);
}

/// All text of the drawing, which is text and no outlines.
QString wordsOf(const figures::Figure& figure) {
  QString text;
  QXmlStreamReader reader(QByteArray::fromStdString(figures::encoded(figure, figures::FileKind::Svg)));
  while (!reader.atEnd()) {
    if (reader.readNext() == QXmlStreamReader::StartElement && reader.name() == u"text")
      text += reader.readElementText() + ' ';
  }
  return reader.hasError() ? reader.errorString() : text;
}

int pixelsOf(const QImage& image, analysis::Color color) {
  int count = 0;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x)
      count += image.pixelColor(x, y) == QColor(color.red, color.green, color.blue) ? 1 : 0;
  }
  return count;
}

}  // namespace

/// Numbers of heads, and of pairs of heads, as figures and as tables.
class TestHeadFigures : public QObject {
  Q_OBJECT

 private slots:
  void scoresStandWhereTheirHeadsDo() {
    const analysis::HeadSurvey heads = survey();
    const figures::SurveyedLane lane = laneOf(heads);
    const figures::Figure figure = figures::headScoresFigure({&lane, 1}, columnNamed("induction"), kOrigin);
    const auto& cells = std::get<HeadCells>(figure.content);
    QCOMPARE(cells.lanes.size(), std::size_t{1});
    QCOMPARE(cells.lanes[0].groupSize, 2);
    const HeadCells::Map& map = cells.lanes[0].maps.at(0);
    QCOMPARE(map.rows, (std::vector<std::string>{"L0", "L1"}));
    QCOMPARE(map.columns, (std::vector<std::string>{"H0", "H1", "H2", "H3"}));
    QVERIFY(std::abs(map.at(1, 3) - 0.25) < kLimit);
    QVERIFY(std::abs(map.at(0, 2) - 0.1) < kLimit);
    QCOMPARE(cells.low, 0.0);
    QVERIFY(std::abs(cells.high - 0.25) < kLimit);
    QVERIFY(cells.colorOf(0.25) == analysis::colorOf(analysis::ColorMap::Viridis, 1.0));

    const QStringList lines = linesOf(figure);
    QCOMPARE(lines.size(), 1 + 2 * 4);
    QCOMPARE(lines[0], QString("lane,model,layer,query_head,kv_head,induction,induction_deviation,kind"));
    const QStringList cell = lines[8].split(',');
    QCOMPARE(cell.mid(0, 5), (QStringList{"GQA", "a model", "1", "3", "1"}));
    QVERIFY(std::abs(cell[5].toDouble() - 0.25) < kLimit);
    QCOMPARE(cell.mid(6), (QStringList{"0.01", "computed"}));
    const QString words = wordsOf(figure);
    for (const char* word : {"GQA", "4 Q", "L0", "L1", "H3", "layer", "query head", "0.250", "0.125",
                             "a device", "1,234 positions of story.txt", "60 random tokens said twice",
                             "2026-11-28 12:00", "Headroom 1.2.3"})
      QVERIFY2(words.contains(word), qPrintable(QString(word) + " in " + words));
  }

  /// Below 0 the scale reaches as far to both sides, and its middle is 0.
  void signedScoresHaveASignedScale() {
    const analysis::HeadSurvey heads = survey();
    const figures::SurveyedLane lane = laneOf(heads);
    const auto cells = std::get<HeadCells>(
        figures::headScoresFigure({&lane, 1}, columnNamed("write_share"), kOrigin).content);
    QCOMPARE(cells.high, 0.5);
    QCOMPARE(cells.low, -0.5);
    QVERIFY(cells.colors == analysis::ColorMap::Diverging);
    QVERIFY(cells.colorOf(0.0) == analysis::colorOf(analysis::ColorMap::Diverging, 0.5));
  }

  void whatIsNotKnownIsHatchedAndEmpty() {
    analysis::HeadSurvey heads = survey();
    heads.heads[0].copying = 0.75;
    heads.omissions.clear();
    const figures::SurveyedLane lane = laneOf(heads);
    const figures::Figure figure = figures::headScoresFigure({&lane, 1}, columnNamed("copying"), kOrigin);
    QCOMPARE(linesOf(figure)[1].split(',')[5], QString("0.75"));
    QCOMPARE(linesOf(figure)[2].split(',')[5], QString());
    QVERIFY(wordsOf(figure).contains("Hatched"));

    heads = survey();
    QVERIFY_THROWS_EXCEPTION(model::Error,
                             figures::headScoresFigure({&lane, 1}, columnNamed("copying"), kOrigin));
    QVERIFY_THROWS_EXCEPTION(model::Error, figures::headScoresFigure({}, columnNamed("induction"), kOrigin));
  }

  /// Losses are those that are known; a head that is better away is below 0.
  void lossesStandWhereTheirHeadsDo() {
    const analysis::HeadSurvey heads = survey();
    figures::SurveyedLane lane = laneOf(heads);
    QVERIFY_THROWS_EXCEPTION(model::Error, figures::headLossFigure({&lane, 1}, kOrigin));
    lane.losses.resize(8);
    lane.losses[6] = {0.25, 0.125, false};  // layer 1, head 2
    lane.losses[1] = {-0.5, 0.125, false};
    lane.losses[3] = {0.0, 0.0625, true};
    const figures::Figure figure = figures::headLossFigure({&lane, 1}, kOrigin);
    const auto& cells = std::get<HeadCells>(figure.content);
    QCOMPARE(cells.lanes[0].maps[0].at(1, 2), 0.25);
    QCOMPARE(cells.lanes[0].maps[0].at(0, 1), -0.5);
    QVERIFY(std::isnan(cells.lanes[0].maps[0].at(0, 0)));
    QCOMPARE(cells.low, -0.5);
    QCOMPARE(cells.high, 0.5);
    const QStringList lines = linesOf(figure);
    QCOMPARE(lines.size(), 1 + 3);
    QCOMPARE(lines[0], QString("lane,model,layer,query_head,kv_head,loss_change,loss_standard_error,"
                               "loss_within_rounding,kind"));
    QCOMPARE(lines[1], QString("GQA,a model,0,1,0,-0.5,0.125,false,computed"));
    QCOMPARE(lines[2], QString("GQA,a model,0,3,1,0,0.0625,true,computed"));
    QCOMPARE(lines[3], QString("GQA,a model,1,2,1,0.25,0.125,false,computed"));
  }

  void matricesOfPairs_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<int>("heads");
    QTest::addColumn<double>("first");  // of layer 0, heads 0 and 1
    QTest::addColumn<double>("low");
    QTest::addColumn<double>("high");
    QTest::addColumn<QString>("header");
    QTest::newRow("attention") << "attention" << 4 << 0.1 << 0.0 << std::numbers::ln2
                               << "lane,model,layer,head,other_head,kv_head,other_kv_head,divergence,kind";
    QTest::newRow("outputs") << "outputs" << 4 << 0.5 << -1.0 << 1.0
                             << "lane,model,layer,head,other_head,kv_head,other_kv_head,output_cosine,kind";
    QTest::newRow("keys") << "keys" << 2 << 0.6 << 0.0 << 1.0
                          << "lane,model,layer,kv_head,other_kv_head,key_cka,kind";
  }
  void matricesOfPairs() {
    QFETCH(QString, name);
    QFETCH(int, heads);
    QFETCH(double, first);
    const analysis::HeadSurvey of = survey();
    const figures::SurveyedLane lane = laneOf(of);
    const auto& comparison = comparisonNamed(name.toStdString());
    const figures::Figure figure = figures::headPairsFigure({&lane, 1}, comparison, {}, kOrigin);
    const auto& cells = std::get<HeadCells>(figure.content);
    QTEST(cells.low, "low");
    QTEST(cells.high, "high");
    QCOMPARE(cells.lanes[0].maps.size(), std::size_t{2});
    QCOMPARE(cells.lanes[0].maps[1].name, std::string("layer 1"));
    QVERIFY(std::abs(cells.lanes[0].maps[0].at(0, 1) - first) < kLimit);
    const QStringList lines = linesOf(figure);
    QTEST(lines[0], "header");
    // Each pair of different heads once.
    QCOMPARE(lines.size(), 1 + 2 * heads * (heads - 1) / 2);
    const QStringList cell = lines[1].split(',');
    QCOMPARE(cell.mid(0, 5), (QStringList{"GQA", "a model", "0", "0", "1"}));
    QVERIFY(std::abs(cell[cell.size() - 2].toDouble() - first) < kLimit);
    if (heads == 4) QCOMPARE(lines[2].split(',').mid(3, 4), (QStringList{"0", "2", "0", "1"}));
    const QString words = wordsOf(figure);
    for (const char* word : {"layer 0", "layer 1", "GQA", "1,000 positions of story.txt", "Headroom 1.2.3"})
      QVERIFY2(words.contains(word), qPrintable(QString(word) + " in " + words));
    QVERIFY2(words.contains(comparison.measure), qPrintable(words));

    const figures::Figure one = figures::headPairsFigure({&lane, 1}, comparison, 1, kOrigin);
    QCOMPARE(std::get<HeadCells>(one.content).lanes[0].maps.size(), std::size_t{1});
    QCOMPARE(linesOf(one).size(), 1 + heads * (heads - 1) / 2);
    QCOMPARE(linesOf(one)[1].split(',')[2], QString("1"));
  }

  /// Of attention within KV heads: 0.1 and 0.15 twice each; across: 0.2, 0.3, 0.1, 0.2 and 0.05 more.
  void theSummaryIsOfThePairs() {
    const auto& attention = comparisonNamed("attention");
    QCOMPARE(figures::pairsSummary(survey(), attention, {4, 2, 8}),
             std::string("heads of one KV head 0.125 \u00b1 0.025, heads of different KV heads 0.225 \u00b1 "
                         "0.075"));
    // 0.6 and 0.4 of keys.
    QCOMPARE(figures::pairsSummary(survey(), comparisonNamed("keys"), {4, 2, 8}),
             std::string("different KV heads 0.500 \u00b1 0.100"));
    QCOMPARE(figures::pairsSummary(survey(), comparisonNamed("values"), {4, 2, 8}),
             std::string("left out: Nobody looked"));
  }

  void withoutPairsThereIsNoFigure() {
    const analysis::HeadSurvey of = survey();
    const figures::SurveyedLane lane = laneOf(of);
    try {
      figures::headPairsFigure({&lane, 1}, comparisonNamed("values"), {}, kOrigin);
      QFAIL("there are none");
    } catch (const model::Error& error) {
      QVERIFY2(std::string(error.what()).find("Nobody looked") != std::string::npos, error.what());
    }
    try {
      figures::headPairsFigure({&lane, 1}, comparisonNamed("keys"), 2, kOrigin);
      QFAIL("there is no such layer");
    } catch (const model::Error& error) {
      QCOMPARE(std::string(error.what()), std::string("GQA has no layer 2, expected 0 to 1"));
    }
  }

  /// The published ends and middles of the colour maps, as large as cells are.
  void cellsHaveTheirColours() {
    const analysis::HeadSurvey of = survey();
    const figures::SurveyedLane lane = laneOf(of);
    const auto pictureOf = [&](const char* name) {
      return QImage::fromData(QByteArray::fromStdString(
          figures::encoded(figures::headPairsFigure({&lane, 1}, comparisonNamed(name), 0, kOrigin),
                           figures::FileKind::Png, {.scale = 1.0})));
    };
    // Divergence of a head with itself is 0: four cells of 26 pixels, less their frames. Cosine 1 likewise.
    QVERIFY(pixelsOf(pictureOf("attention"), analysis::rgb(0x440154)) > 4 * 20 * 20);
    QVERIFY(pixelsOf(pictureOf("outputs"), analysis::rgb(0x67001F)) > 4 * 20 * 20);
    // CKA of a KV head with itself is 1.
    QVERIFY(pixelsOf(pictureOf("keys"), analysis::rgb(0xFDE725)) > 2 * 20 * 20);
  }
};

int main(int argc, char** argv) {
  const figures::Offscreen offscreen;
  TestHeadFigures test;
  return QTest::qExec(&test, argc, argv);
}
#include "tst_head_figures.moc"
