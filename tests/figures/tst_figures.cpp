#include <QImage>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>
#include <QXmlStreamReader>
#include <set>
#include <utility>

#include "app/figures/figure_file.h"
#include "app/figures/map_figure.h"
#include "app/figures/offscreen.h"
#include "app/figures/speed_figure.h"
#include "core/formats/npy.h"
#include "core/model/error.h"
#include "tests/figures/sample_lanes.h"

using namespace headroom;
using figures::FileKind;
using figures::LaneChart;
using tests::sampleCeilings;
using tests::sampleLane;
using tests::sampleLanes;

namespace {

const std::string kDate = "2026-11-26 12:34";

QImage painted(const figures::Figure& figure, double scale = 1.0) {
  const std::string bytes = figures::encoded(figure, FileKind::Png, {.width = 800, .scale = scale});
  return QImage::fromData(QByteArray::fromStdString(bytes)).convertToFormat(QImage::Format_RGB32);
}

/// The smallest rectangle that holds all pixels of exactly that colour.
QRect extentOf(const QImage& image, QRgb color) {
  QRect extent;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      if ((image.pixel(x, y) & RGB_MASK) == (color & RGB_MASK)) extent |= QRect(x, y, 1, 1);
    }
  }
  return extent;
}

QRgb rgbOf(analysis::Color color) {
  return qRgb(color.red, color.green, color.blue);
}

/// Text without line breaks, as wrapping puts them elsewhere.
QString flowing(const QString& text) {
  return text.simplified();
}

figures::MapFigure sampleMap() {
  figures::MapFigure map({1, 5}, 4);
  // Ninths: what lies between two of a map's ten colours is not looked at.
  map.addRow(0, std::vector<float>{1.0f});
  map.addRow(1, std::vector<float>{6.0f / 9, 3.0f / 9});
  map.addRow(2, std::vector<float>{2.0f / 9, 0.0f, 7.0f / 9});
  map.addRow(3, std::vector<float>{5.0f / 9, 1.0f / 9, 1.0f / 9, 2.0f / 9});
  return map;
}

figures::Figure mapFigure(analysis::MapLook look = {.scale = analysis::MapScale::Linear}) {
  return sampleMap().figure(sampleLane("GQA", 2, 0), look, {"one", "two", "three", "four"}, kDate);
}

}  // namespace

class TstFigures : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  std::string path(const char* name) const { return m_folder.filePath(name).toStdString(); }

 private slots:
  void cellsOfAMapHaveTheColourOfTheirValue_data() {
    QTest::addColumn<int>("scale");
    QTest::addColumn<QList<QList<quint32>>>("colors");  // 0: the ground
    // Viridis in ten steps, as its authors published it.
    constexpr quint32 kZero = 0x440154, kOne = 0x482878, kTwo = 0x3E4A89, kThree = 0x31688E, kFive = 0x1F9E89,
                      kSix = 0x35B779, kSeven = 0x6DCD59, kNine = 0xFDE725;
    QTest::newRow("linear") << int(analysis::MapScale::Linear)
                            << QList<QList<quint32>>{
                                   {kNine}, {kSix, kThree}, {kTwo, kZero, kSeven}, {kFive, kOne, kOne, kTwo}};
    // The largest of the rest, 7/9, is the top: 3/7, 1/7 and 2/7 lie between two colours.
    QTest::newRow("sink hidden") << int(analysis::MapScale::SinkHidden)
                                 << QList<QList<quint32>>{{0}, {0, 1}, {0, kZero, kNine}, {0, 1, 1, 1}};
  }
  void cellsOfAMapHaveTheColourOfTheirValue() {
    QFETCH(int, scale);
    QFETCH(QList<QList<quint32>>, colors);
    constexpr QRgb kGround = 0xFFE2E6EC;
    const QImage image = painted(mapFigure({.scale = static_cast<analysis::MapScale>(scale)}));
    // Above the diagonal nothing looks: 3 of 4 cells each way. A hidden sink is ground down the left, too.
    const QRect ground = extentOf(image, kGround);
    const bool isSinkHidden = scale == int(analysis::MapScale::SinkHidden);
    const int cell = ground.width() / (isSinkHidden ? 4 : 3);
    QVERIFY(cell > 20);
    QCOMPARE(ground.height(), cell * (isSinkHidden ? 4 : 3));
    const int left = ground.left() - (isSinkHidden ? 0 : cell);
    for (int row = 0; row < 4; ++row) {
      for (int column = 0; column <= row; ++column) {
        const quint32 expected = colors[row][column];
        if (expected == 1) continue;
        const QRgb pixel = image.pixel(left + column * cell + cell / 2, ground.top() + row * cell + cell / 2);
        QCOMPARE(pixel & RGB_MASK, expected == 0 ? kGround & RGB_MASK : expected);
        // To its edges.
        QCOMPARE(image.pixel(left + column * cell + 1, ground.top() + row * cell + 1), pixel);
        QCOMPARE(image.pixel(left + (column + 1) * cell - 2, ground.top() + (row + 1) * cell - 2), pixel);
      }
    }
  }

  void logarithmicMapsAreEqualStepsOfRatios() {
    figures::MapFigure map({0, 0}, 3);
    map.addRow(0, std::vector<float>{1.0f});
    map.addRow(1, std::vector<float>{0.9999f, 0.0001f});
    // Of 1e-4 to 1 a third of the way up in ratios: stop 3 of 9.
    map.addRow(2, std::vector<float>{0.0021544f, 0.0021544f, 0.99f});
    const QImage image = painted(map.figure(
        sampleLane("MHA", 8, 0), {.scale = analysis::MapScale::Logarithmic}, {"a", "b", "c"}, kDate));
    const QRect ground = extentOf(image, 0xFFE2E6EC);
    const int cell = ground.width() / 2;
    const auto colorAt = [&](int row, int column) {
      return QColor(
          image.pixel(ground.left() - cell + column * cell + cell / 2, ground.top() + row * cell + cell / 2));
    };
    QCOMPARE(colorAt(1, 1), QColor(0x44, 0x01, 0x54));
    const QColor third = colorAt(2, 0);
    QVERIFY2(std::abs(third.red() - 0x31) <= 1 && std::abs(third.green() - 0x68) <= 1 &&
                 std::abs(third.blue() - 0x8E) <= 1,
             qPrintable(third.name()));
  }

  /// A single bright value of a long text is not lost, and what is not recorded is not 0.
  void longMapsKeepTheirMaxima() {
    constexpr int kPositions = 1500;
    figures::MapFigure map({0, 0}, kPositions);
    for (int position = 0; position < 1200; ++position) {
      std::vector<float> row(static_cast<std::size_t>(position) + 1, 0.0f);
      if (position == 1001) row[603] = 0.75f;
      map.addRow(position, row);
    }
    const figures::Figure figure = map.figure(sampleLane("MHA", 8, 0), {.scale = analysis::MapScale::Linear},
                                              std::vector<std::string>(kPositions, "x"), kDate);
    const auto& content = std::get<figures::AttentionMap>(figure.content);
    QCOMPARE(content.factor, 4);
    QCOMPARE(content.cellCount, 375);
    QCOMPARE(content.cells[content.index(1001 / 4, 603 / 4)], 0.75f);
    QCOMPARE(std::ranges::count(content.cells, 0.75f), 1);
    QVERIFY(content.shows(299, 0));
    QVERIFY(!content.shows(300, 0));
    QVERIFY(figures::csvText(figure).find(",1000,600,0.75,4\n") != std::string::npos);
    QVERIFY(figures::csvText(figure).find(",1200,") == std::string::npos);
    // Viridis at 0.75 lies between these two.
    const QImage image = painted(figure);
    int bright = 0;
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < 520; ++x) {
        const QColor color(image.pixel(x, y));
        bright += color.red() > 0x45 && color.red() < 0x6D && color.green() > 0xB7 && color.blue() < 0x79;
      }
    }
    QVERIFY2(bright >= 1 && bright <= 9, qPrintable(QString::number(bright)));
  }

  /// Fails where a table says of values that were kept more coarsely than its cells that they are as fine.
  void coarselyKeptRowsSayHowCoarse() {
    constexpr int kPositions = 1032;  // more than kMostCells: cells of 4 x 4 positions
    figures::MapFigure map({0, 0}, kPositions);
    for (int position = 0; position < kPositions; ++position) {
      const int pooling = position < 1024 ? 1 : 8;
      map.addRow(position, std::vector<float>(static_cast<std::size_t>(position / pooling) + 1, 0.25f),
                 pooling);
    }
    const figures::Figure figure = map.figure(sampleLane("MHA", 8, 0), {.scale = analysis::MapScale::Linear},
                                              std::vector<std::string>(kPositions, "x"), kDate);
    const std::string table = figures::csvText(figure);
    QVERIFY(table.find(",1020,4,0.25,4\n") != std::string::npos);
    QVERIFY(table.find(",1024,0,0.25,8\nMHA,0,0,1024,8,0.25,8\n") != std::string::npos);
    const std::string coarse = "From query 1024 on values were kept of 8 positions across.";
    QVERIFY(figure.caption.front().find(coarse) != std::string::npos);
  }

  void barsAreAsHighAsTheirValues() {
    figures::Figure figure{.title = "bars", .caption = {}};
    figure.content = figures::BarPlot{
        .label = "ms",
        .groups = {"first", "second"},
        .lanes = {{"A", analysis::rgb(0xFF0000), {1.0, 4.0}}, {"B", analysis::rgb(0x0000FF), {2.5, 0.0}}}};
    const QImage image = painted(figure, 2.0);
    // Pixels of the colour in the middle of each run of columns that has it high enough to be a bar.
    const auto heights = [&](QRgb color) {
      std::vector<int> found;
      bool isBar = false;
      for (int x = 0; x < image.width(); ++x) {
        int height = 0;
        for (int y = 0; y < image.height(); ++y) height += (image.pixel(x, y) & RGB_MASK) == color;
        const bool isHigh = height > 20;
        if (isHigh && !isBar) found.push_back(0);
        if (isHigh) found.back() = std::max(found.back(), height);
        isBar = isHigh;
      }
      return found;
    };
    const std::vector<int> red = heights(0xFF0000);
    const std::vector<int> blue = heights(0x0000FF);
    QCOMPARE(red.size(), std::size_t{2});
    QCOMPARE(blue.size(), std::size_t{1});
    QVERIFY(red[0] > 80);
    QVERIFY2(std::abs(red[1] - 4 * red[0]) <= 4, qPrintable(QString("%1 %2").arg(red[0]).arg(red[1])));
    QVERIFY2(std::abs(2 * blue[0] - 5 * red[0]) <= 6, qPrintable(QString("%1 %2").arg(red[0]).arg(blue[0])));
  }

  /// Lines end at the context limit, as high as their caches: 8, 2 and 1 KV heads.
  void growthLinesEndAtTheirCaches() {
    const QImage image = painted(figures::laneFigure(LaneChart::Growth, sampleLanes(), {}, kDate), 2.0);
    std::vector<double> ends;
    int right = 0;
    for (const figures::FigureLane& lane : sampleLanes()) {
      QPoint last(0, 0);
      for (int y = 0; y < image.height(); ++y) {
        for (int x = image.width() - 1; x > last.x(); --x) {
          if ((image.pixel(x, y) & RGB_MASK) != (rgbOf(lane.color) & RGB_MASK)) continue;
          last = {x, y};
          break;
        }
      }
      right = std::max(right, last.x());
      ends.push_back(last.y());
    }
    QVERIFY(right > image.width() * 9 / 10);
    const double step = ends[2] - ends[1];
    QVERIFY(step > 10);
    QVERIFY2(std::abs((ends[1] - ends[0]) - 6.0 * step) <= 12.0,
             qPrintable(QString("%1 %2 %3").arg(ends[0]).arg(ends[1]).arg(ends[2])));
  }

  /// What the window draws while lanes go on: also of a lane that has made no step.
  void aPlotOfGrowthGoesOnToTheLimit() {
    std::vector<figures::FigureLane> lanes = sampleLanes();
    lanes[1].cache.clear();
    const figures::LinePlot plot = figures::growthPlot(lanes);
    // 1,024 bytes of MHA, 256 of GQA for each of 100 positions.
    QCOMPARE(plot.y.label, std::string("KV cache, kB"));
    QCOMPARE(plot.y.high, 102.4);
    QCOMPARE(plot.series.size(), std::size_t{6});
    const auto is = [&](std::size_t series, std::size_t point, double x, double y) {
      const figures::Point& at = plot.series[series].points.at(point);
      return std::abs(at.x - x) < 1e-9 && std::abs(at.y - y) < 1e-9;
    };
    QVERIFY(is(0, 3, 40.0, 40.96) && is(1, 0, 40.0, 40.96) && is(1, 1, 100.0, 102.4));
    QCOMPARE(plot.series[2].points.size(), std::size_t{1});
    QVERIFY(is(3, 0, 0.0, 0.0) && is(3, 1, 100.0, 25.6));
    QVERIFY(figures::trafficPlot({}).series.empty());
  }

  /// Below 60 GFLOP/s memory of 20 GB/s ends at 3 FLOPs per byte, caches of 80 GB/s at 0.75.
  void roofsEndWhereArithmeticBegins() {
    const auto lines = figures::roofLines(tests::sampleCeilings(), {.left = 0.1, .right = 10.0}, {});
    QCOMPARE(lines.size(), std::size_t{3});
    const auto ends = [&](std::size_t line, double left, double right, double high) {
      const auto& points = lines[line].points;
      return std::abs(points.front().x - 0.1) < 1e-9 && std::abs(points.front().y - left) < 1e-9 &&
             std::abs(points.back().x - right) < 1e-9 && std::abs(points.back().y - high) < 1e-9;
    };
    QVERIFY(ends(0, 2.0, 3.0, 60.0) && lines[0].stroke == figures::Stroke::Solid);
    QVERIFY(ends(1, 8.0, 0.75, 60.0) && lines[1].stroke == figures::Stroke::Dashed);
    QVERIFY(ends(2, 60.0, 10.0, 60.0) && lines[2].stroke == figures::Stroke::Dotted);
    QVERIFY(figures::roofLines({}, {}, {}).empty());
  }

  /// Points lie where they were measured, with their spread, and the line says the same.
  void speedIsWhatWasMeasured() {
    const std::vector<analysis::Color> colors{analysis::rgb(0xFF0000), analysis::rgb(0x0000FF)};
    const figures::Figure figure =
        figures::speedFigure(tests::sampleSweep(), analysis::SpeedOver::Context, colors);
    const auto& plot = std::get<figures::LinePlot>(figure.content);
    const figures::Series& points = plot.series.front();
    QCOMPARE(points.points.size(), std::size_t{3});
    QCOMPARE(points.points[1].x, 200.0);
    QCOMPARE(points.points[1].y, 4.0);
    QCOMPARE(points.ranges[1].low, 3.875);
    QCOMPARE(points.ranges[1].high, 4.25);
    // 6 ms at 400 positions, and half as far again: 8 ms at 600, dashed.
    QVERIFY(plot.series[2].stroke == figures::Stroke::Dashed);
    QCOMPARE(plot.series[2].points.back().x, 600.0);
    QVERIFY(std::abs(plot.series[2].points.back().y - 8.0) < 1e-9);
    QVERIFY(figures::csvText(figure).find("\nMQA,a device of the test,1,400,2.8,2.675,3.05,measured\n") !=
            std::string::npos);
    const figures::Figure batches =
        figures::speedFigure(tests::sampleSweep(), analysis::SpeedOver::Batch, colors);
    QVERIFY(figures::csvText(batches).find("\nMHA,a device of the test,4,400,18,") != std::string::npos);
    QVERIFY_THROWS_EXCEPTION(model::Error, figures::speedFigure({}, analysis::SpeedOver::Context, {}));
    QVERIFY(extentOf(painted(figure), 0xFF0000).isValid());
  }

  /// Timed beyond what one of the models was trained for: the ground says where, and the caption what for.
  void aSweepBeyondTheTrainedContextSaysSo() {
    const std::vector<analysis::Color> colors{analysis::rgb(0xFF0000), analysis::rgb(0x0000FF)};
    const auto untrained = [&](int ofMha, int ofMqa) {
      analysis::SpeedMap sweep = tests::sampleSweep();
      sweep.curves[0].trainedContext = ofMha;
      sweep.curves[1].trainedContext = ofMqa;
      const figures::Figure figure = figures::speedFigure(sweep, analysis::SpeedOver::Context, colors);
      const bool isSaid = std::ranges::any_of(figure.caption, [](const std::string& line) {
        return line.starts_with("Beyond the trained context of 300 positions");
      });
      const auto from = std::get<figures::LinePlot>(figure.content).untrainedFrom;
      return std::pair(from, isSaid);
    };
    QCOMPARE(untrained(512, 300), std::pair(std::optional(300.0), true));
    QCOMPARE(untrained(0, 300), std::pair(std::optional(300.0), true));
    // Measured up to 400 positions.
    QCOMPARE(untrained(512, 400), std::pair(std::optional<double>(), false));
    QCOMPARE(untrained(0, 0), std::pair(std::optional<double>(), false));
  }

  /// Curves of the same times: none hides another's points.
  void pointsThatCoincideAreAllSeen() {
    analysis::SpeedMap sweep = tests::sampleSweep();
    sweep.curves.push_back(sweep.curves.front());
    for (analysis::SpeedCurve& curve : sweep.curves) curve.points = sweep.curves.front().points;
    const std::vector<analysis::Color> colors{analysis::rgb(0xFF0000), analysis::rgb(0x0000FF),
                                              analysis::rgb(0x00FF00)};
    const figures::Figure figure = figures::speedFigure(sweep, analysis::SpeedOver::Context, colors);
    const QImage image = painted(figure, 2.0);
    // Around the point in the middle, at 200 of 600 positions: the line there is of the last curve.
    const QRect last = extentOf(image, 0x00FF00);
    const auto& plot = std::get<figures::LinePlot>(figure.content);
    std::set<std::pair<int, double>> marks;
    for (const figures::Series& series : plot.series) {
      if (series.mark == figures::Mark::None) continue;
      QVERIFY(series.mark != figures::Mark::Disc);
      marks.emplace(static_cast<int>(series.mark), series.markScale);
    }
    QCOMPARE(marks.size(), 3u);
    const QRect points(image.width() / 4, last.top() + last.height() / 4, image.width() / 3,
                       last.height() * 3 / 4);
    for (const QRgb color : {0xFF0000u, 0x0000FFu, 0x00FF00u}) {
      int seen = 0;
      for (int y = points.top(); y < points.bottom(); ++y) {
        for (int x = points.left(); x < points.right(); ++x) {
          seen += (image.pixel(x, y) & RGB_MASK) == color ? 1 : 0;
        }
      }
      QVERIFY2(seen > 25, qPrintable(QString("%1: %2").arg(color, 6, 16).arg(seen)));
    }
  }

  /// A trace holds no cache: nobody counted what it would take.
  void bytesOfATraceAreComputed() {
    std::vector<figures::FigureLane> lanes = sampleLanes();
    lanes.resize(1);
    const auto table = [&] {
      return figures::csvText(figures::laneFigure(LaneChart::Growth, lanes, {}, kDate));
    };
    QVERIFY(table().find(",counted") != std::string::npos);
    lanes[0].holdsCache = false;
    QVERIFY2(table().find(",counted") == std::string::npos, table().c_str());
  }

  void tablesHaveTheNumbers() {
    const QString growth = QString::fromStdString(
        figures::csvText(figures::laneFigure(LaneChart::Growth, sampleLanes(), {}, kDate)));
    QVERIFY(growth.startsWith("lane,model,device,positions,cache_bytes,kind\n"));
    // 2 x 2 layers x 8 heads x 16 x 2 bytes x positions.
    QVERIFY(growth.contains("MHA,MHA model,a device of the test,40,40960,counted\n"));
    QVERIFY(growth.contains("MQA,MQA model,a device of the test,100,12800,computed\n"));
    const QString stages = QString::fromStdString(
        figures::csvText(figures::laneFigure(LaneChart::Stages, sampleLanes(), {}, kDate)));
    QVERIFY(stages.contains("GQA,GQA model,a device of the test,attention_decode,0.5,measured\n"));
    QVERIFY(stages.contains(",outside,0.4,measured\n"));
    const QString geometry = QString::fromStdString(
        figures::csvText(figures::laneFigure(LaneChart::Geometry, sampleLanes(), {}, kDate)));
    QVERIFY(geometry.contains(",W_K,32,128,4096,2,8192,computed\n"));
    const QString map = QString::fromStdString(figures::csvText(mapFigure()));
    QCOMPARE(map.count('\n'), 1 + 1 + 2 + 3 + 4);
    QVERIFY2(map.startsWith("lane,layer,query_head,query,attended,attention,positions_per_value\nGQA,"),
             qPrintable(map));
    QVERIFY(map.contains(",0,0,1,1\n"));
    figures::Figure quoted{
        .title = "", .caption = {}, .content = {}, .table = {{"a,b", "c\"d"}, {{"1", "2"}}}};
    QCOMPARE(figures::csvText(quoted), std::string("\"a,b\",\"c\"\"d\"\n1,2\n"));
  }

  void everyFigureSaysWhereItIsFrom_data() {
    QTest::addColumn<int>("chart");
    QTest::addColumn<QStringList>("kinds");
    QTest::newRow("growth") << int(LaneChart::Growth) << QStringList{"counted", "computed"};
    QTest::newRow("traffic") << int(LaneChart::Traffic) << QStringList{"counted"};
    QTest::newRow("stages") << int(LaneChart::Stages) << QStringList{"measured"};
    QTest::newRow("roofline") << int(LaneChart::Roofline) << QStringList{"computed", "counted", "measured"};
    QTest::newRow("geometry") << int(LaneChart::Geometry) << QStringList{"computed", "counted"};
    QTest::newRow("map") << -1 << QStringList{"computed"};
  }
  void everyFigureSaysWhereItIsFrom() {
    QFETCH(int, chart);
    QFETCH(QStringList, kinds);
    const figures::Figure figure = chart < 0 ? mapFigure()
                                             : figures::laneFigure(static_cast<LaneChart>(chart),
                                                                   sampleLanes(), sampleCeilings(), kDate);
    QStringList wanted{"GQA model", "8 Q \u2192 2 KV", "a device of the test", "context 100",
                       "batch 1",   "f16 cache",       "shared kernel",        "2026-11-26 12:34"};
    const std::string svg = figures::encoded(figure, FileKind::Svg);
    QXmlStreamReader reader(QByteArray::fromStdString(svg));
    QString text;
    while (!reader.atEnd()) {
      if (reader.readNext() == QXmlStreamReader::StartElement && reader.name() == u"text") {
        text += reader.readElementText() + ' ';
      }
    }
    QVERIFY2(!reader.hasError(), qPrintable(reader.errorString()));
    for (const QString& part : wanted + kinds) {
      QVERIFY2(flowing(text).contains(part, Qt::CaseInsensitive), qPrintable(part + " in " + text));
    }
    for (const std::string& paragraph : figure.caption) {
      QVERIFY2(flowing(text).contains(flowing(QString::fromStdString(paragraph))), paragraph.c_str());
    }
    figures::saveFigure(figure, path("figure.pdf"));
    QProcess reading;
    reading.start("pdftotext", {m_folder.filePath("figure.pdf"), "-"});
    QVERIFY2(reading.waitForFinished(20000) && reading.exitCode() == 0, "pdftotext of poppler-utils");
    const QString pdf = flowing(QString::fromUtf8(reading.readAllStandardOutput()));
    for (const QString& part : wanted + kinds) {
      QVERIFY2(pdf.contains(part, Qt::CaseInsensitive), qPrintable(part + " in " + pdf));
    }
  }

  void picturesAreAsLargeAsAskedFor() {
    const figures::Figure figure = figures::laneFigure(LaneChart::Traffic, sampleLanes(), {}, kDate);
    figures::saveFigure(figure, path("one.png"), {.width = 1000, .scale = 1.0});
    figures::saveFigure(figure, path("three.PNG"), {.width = 1000, .scale = 3.0});
    const QImage one(m_folder.filePath("one.png"));
    const QImage three(m_folder.filePath("three.PNG"));
    QCOMPARE(one.width(), 1000);
    QCOMPARE(three.size(), one.size() * 3);
    // 96 per inch.
    QCOMPARE(one.dotsPerMeterX(), 3780);
  }

  void rowsAreWrittenAsTheyAre() {
    const std::vector<float> rows{1.0f, 0.0f, 0.25f, 0.75f};
    figures::saveRows(path("rows.npy"), 2, rows);
    const formats::NpyArray read = formats::readNpy(path("rows.npy"));
    QCOMPARE(read.shape, (std::vector<std::int64_t>{2, 2}));
    QCOMPARE(read.values, (std::vector<double>{1.0, 0.0, 0.25, 0.75}));
  }

  void refusals_data() {
    QTest::addColumn<QString>("file");
    QTest::addColumn<QString>("sentence");
    QTest::newRow("ending") << "a.jpeg"
                            << "ends in .jpeg, expected .png, .svg, .pdf, .csv or, for rows of a map, .npy";
    QTest::newRow("rows") << "a.npy"
                          << "a.npy ends in .npy, which holds rows of a map, expected .png";
    QTest::newRow("no ending") << "figure"
                               << "has no ending, expected .png";
    QTest::newRow("no folder") << "none/a.png"
                               << "No such file or directory";
  }
  void refusals() {
    QFETCH(QString, file);
    QFETCH(QString, sentence);
    try {
      figures::saveFigure(mapFigure(), m_folder.filePath(file).toStdString());
      QFAIL("was written");
    } catch (const model::Error& error) {
      QVERIFY2(QString(error.what()).contains(sentence), error.what());
    }
    QVERIFY(!QFile::exists(m_folder.filePath(file)));
  }

  void whatNobodyMeasuredIsNotShown_data() {
    QTest::addColumn<int>("chart");
    for (const LaneChart chart : {LaneChart::Growth, LaneChart::Traffic, LaneChart::Stages,
                                  LaneChart::Roofline, LaneChart::Geometry}) {
      QTest::addRow("chart %d", int(chart)) << int(chart);
    }
  }
  void whatNobodyMeasuredIsNotShown() {
    QFETCH(int, chart);
    figures::FigureLane lane = sampleLane("MHA", 8, 0);
    lane.cache.clear();
    lane.traffic.clear();
    lane.measurement = {};
    lane.parameterCount = 0;
    QVERIFY_THROWS_EXCEPTION(model::Error,
                             figures::laneFigure(static_cast<LaneChart>(chart), {lane}, {}, kDate));
    QVERIFY_THROWS_EXCEPTION(model::Error, figures::laneFigure(static_cast<LaneChart>(chart), {}, {}, kDate));
  }
};

int main(int argc, char** argv) {
  const figures::Offscreen offscreen;
  TstFigures test;
  return QTest::qExec(&test, argc, argv);
}
#include "tst_figures.moc"
