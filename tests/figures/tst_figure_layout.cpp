#include <QFontMetricsF>
#include <QTest>
#include <QTransform>
#include <QXmlStreamReader>

#include "app/figures/figure_file.h"
#include "app/figures/head_figures.h"
#include "app/figures/map_figure.h"
#include "app/figures/offscreen.h"
#include "app/figures/speed_figure.h"
#include "tests/figures/sample_lanes.h"

using namespace headroom;
using figures::LaneChart;

namespace {

struct Word {
  QString text;
  QRectF area;
};

/// What "matrix(a,b,c,d,e,f)" means.
QTransform transformOf(const QString& text) {
  const QStringList parts = text.section('(', 1).section(')', 0, 0).split(',');
  if (parts.size() != 6) return {};
  return {parts[0].toDouble(), parts[1].toDouble(), parts[2].toDouble(),
          parts[3].toDouble(), parts[4].toDouble(), parts[5].toDouble()};
}

/// Every text of the drawing with the place that its letters take, and the drawing's own.
std::vector<Word> wordsOf(const std::string& svg, QRectF& drawing) {
  std::vector<Word> words;
  QTransform transform;
  QXmlStreamReader reader(QByteArray::fromStdString(svg));
  while (!reader.atEnd()) {
    if (reader.readNext() != QXmlStreamReader::StartElement) continue;
    const QXmlStreamAttributes attributes = reader.attributes();
    if (reader.name() == u"svg") {
      const QStringList box = attributes.value("viewBox").toString().split(' ');
      drawing = {box[0].toDouble(), box[1].toDouble(), box[2].toDouble(), box[3].toDouble()};
    }
    if (reader.name() == u"g" && attributes.hasAttribute("transform")) {
      transform = transformOf(attributes.value("transform").toString());
    }
    if (reader.name() != u"text") continue;
    QFont font(attributes.value("font-family").toString());
    font.setPixelSize(attributes.value("font-size").toInt());
    font.setHintingPreference(QFont::PreferNoHinting);
    const QPointF at(attributes.value("x").toDouble(), attributes.value("y").toDouble());
    const QString text = reader.readElementText();
    words.push_back({text, transform.mapRect(QFontMetricsF(font).tightBoundingRect(text).translated(at))});
  }
  return words;
}

constexpr int kSpeed = 100;
constexpr int kScores = 101;
constexpr int kPairs = 102;
constexpr int kPairsOfOneLayer = 103;

/// Three lanes of `layers` times `heads` heads, under names as long as lanes have them.
figures::Figure headFigure(int chart, int heads, int layers) {
  constexpr int kKvHeads = 4;
  analysis::HeadSurvey survey{.positions = 123456, .isWhole = true};
  survey.divergences = {.headCount = heads, .rowCount = 123456, .layers = {}};
  for (int layer = 0; layer < layers; ++layer) {
    for (int head = 0; head < heads; ++head)
      survey.heads.push_back({.layer = layer, .queryHead = head, .kvHead = head * kKvHeads / heads});
    survey.divergences.layers.emplace_back(static_cast<std::size_t>(heads * heads), 0.5);
  }
  std::vector<figures::SurveyedLane> lanes;
  for (std::size_t lane = 0; lane < 3; ++lane) {
    lanes.push_back({.title = "A-model-with-a-long-name-7B-Instruct-v0.3 \u00d764 f16 naive",
                     .model = "A model with a long name",
                     .device = "a device with a long name",
                     .text = "incomprehensibilities.txt",
                     .repeated = "60 random tokens said twice, mean of 5 draws (seeds from 1)",
                     .color = analysis::kLaneColorsOnLight[lane],
                     .attention = {heads, kKvHeads, 64},
                     .layerCount = layers,
                     .survey = &survey});
  }
  const figures::FigureOrigin origin{"2026-11-28 12:34", "1.2.3"};
  if (chart == kScores) return figures::headScoresFigure(lanes, analysis::headColumns().back(), origin);
  return figures::headPairsFigure(lanes, analysis::headComparisons().front(),
                                  chart == kPairs ? std::nullopt : std::optional(layers - 1), origin);
}

figures::Figure longMap(int positions) {
  figures::MapFigure map({11, 30}, positions);
  std::vector<std::string> labels;
  for (int position = 0; position < positions; ++position) {
    map.addRow(position, std::vector<float>(static_cast<std::size_t>(position) + 1, 0.1f));
    labels.push_back("incomprehensibilities");
  }
  return map.figure(tests::sampleLane("MHA", 8, 0), {.scale = analysis::MapScale::Logarithmic}, labels,
                    "2026-11-26 12:34");
}

/// Four lanes with the longest names that lanes have.
std::vector<figures::FigureLane> longLanes() {
  std::vector<figures::FigureLane> lanes;
  for (int place = 0; place < 4; ++place) {
    lanes.push_back(
        tests::sampleLane("A-model-with-a-long-name-7B-Instruct-v0.3 \u00d764 f16 naive", 1 << place, place));
    lanes.back().config.contextLength = 40;
    lanes.back().note =
        "The reference decodes it, float64 on the processor: head_dim 6 is no multiple of 4, and the shaders "
        "read 4 elements at once.";
  }
  return lanes;
}

}  // namespace

/// No text of a figure touches another or leaves the picture.
class TstFigureLayout : public QObject {
  Q_OBJECT

 private slots:
  void textsHaveRoom_data() {
    QTest::addColumn<int>("chart");
    QTest::addColumn<bool>("areLong");
    QTest::addColumn<int>("width");
    QTest::addColumn<int>("heads");
    for (const int width : {800, 960, 2000}) {
      for (const bool areLong : {false, true}) {
        for (const LaneChart chart : {LaneChart::Growth, LaneChart::Traffic, LaneChart::Stages,
                                      LaneChart::Roofline, LaneChart::Geometry}) {
          QTest::addRow("chart %d, %s names, %d", int(chart), areLong ? "long" : "short", width)
              << int(chart) << areLong << width << 0;
        }
      }
      QTest::addRow("speed, %d", width) << kSpeed << true << width << 0;
      QTest::addRow("map of 3, %d", width) << -3 << false << width << 0;
      QTest::addRow("map of 60, %d", width) << -60 << false << width << 0;
      QTest::addRow("map of 600, %d", width) << -600 << false << width << 0;
      for (const int heads : {4, 8, 32, 64}) {
        QTest::addRow("scores of %d heads, %d", heads, width) << kScores << true << width << heads;
        QTest::addRow("pairs of %d heads, %d", heads, width) << kPairs << true << width << heads;
        QTest::addRow("pairs of %d heads of a layer, %d", heads, width)
            << kPairsOfOneLayer << true << width << heads;
      }
    }
  }
  void textsHaveRoom() {
    QFETCH(int, chart);
    QFETCH(bool, areLong);
    QFETCH(int, width);
    QFETCH(int, heads);
    const auto speed = [] {
      analysis::SpeedMap sweep = tests::sampleSweep();
      sweep.curves.front().name = "A-model-with-a-long-name-7B-Instruct-v0.3";
      return figures::speedFigure(sweep, analysis::SpeedOver::Context,
                                  {analysis::kLaneColorsOnLight[0], analysis::kLaneColorsOnLight[1]});
    };
    const figures::Figure figure =
        heads > 0         ? headFigure(chart, heads, 12)
        : chart == kSpeed ? speed()
        : chart < 0
            ? longMap(-chart)
            : figures::laneFigure(static_cast<LaneChart>(chart), areLong ? longLanes() : tests::sampleLanes(),
                                  tests::sampleCeilings(), "2026-11-26 12:34");
    QRectF drawing;
    const std::vector<Word> words =
        wordsOf(figures::encoded(figure, figures::FileKind::Svg, {.width = width}), drawing);
    QVERIFY(words.size() > 8);
    QCOMPARE(drawing.width(), static_cast<double>(width));
    for (std::size_t one = 0; one < words.size(); ++one) {
      QVERIFY2(drawing.contains(words[one].area), qPrintable(words[one].text));
      for (std::size_t other = one + 1; other < words.size(); ++other) {
        // A line of which one letter comes from another font is several texts, side by side.
        const QRectF both = words[one].area.intersected(words[other].area);
        QVERIFY2(both.isEmpty() || both.width() < 1.0 || both.height() < 1.0,
                 qPrintable(words[one].text + " touches " + words[other].text));
      }
    }
  }
};

int main(int argc, char** argv) {
  const figures::Offscreen offscreen;
  TstFigureLayout test;
  return QTest::qExec(&test, argc, argv);
}
#include "tst_figure_layout.moc"
