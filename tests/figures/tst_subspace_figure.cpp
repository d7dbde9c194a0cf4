#include <QTest>
#include <cmath>

#include "app/figures/figure_file.h"
#include "app/figures/offscreen.h"
#include "app/figures/subspace_figure.h"
#include "core/model/error.h"

using namespace headroom;
using figures::SubspacesOf;

namespace {

analysis::Subspace alike(int directions, int bound) {
  analysis::Subspace subspace{.singularValues = std::vector<double>(static_cast<std::size_t>(bound)),
                              .bound = bound};
  for (int index = 0; index < directions; ++index)
    subspace.singularValues[static_cast<std::size_t>(index)] = 3.0;
  return subspace;
}

/// Two layers, of which the second's values use all directions.
std::vector<figures::SubspaceLane> lanes() {
  return {{.title = "MHA",
           .model = "a model",
           .color = analysis::kLaneColorsOnLight[0],
           .positions = 1234,
           .weights = {{alike(6, 8), alike(4, 8)}, {alike(5, 8), alike(8, 8)}},
           .cached = {{alike(2, 8), alike(3, 8)}, {alike(1, 8), alike(8, 8)}}},
          {.title = "MQA",
           .model = "its sibling",
           .color = analysis::kLaneColorsOnLight[1],
           .positions = 1234,
           .weights = {{alike(2, 2), alike(1, 2)}, {alike(2, 2), alike(2, 2)}},
           .cached = {{alike(1, 2), alike(2, 2)}, {alike(2, 2), alike(2, 2)}}}};
}

}  // namespace

/// Directions of keys and values as a figure and as its table.
class TestSubspaceFigure : public QObject {
  Q_OBJECT

 private slots:
  /// Directions that are used alike count one each.
  void linesAreTheRanks() {
    const figures::LinePlot plot = figures::subspacePlot(lanes(), SubspacesOf::Weights);
    QCOMPARE(plot.series.size(), std::size_t{6});
    const auto compare = [&](std::size_t series, const std::vector<double>& expected) {
      QCOMPARE(plot.series[series].points.size(), expected.size());
      for (std::size_t layer = 0; layer < expected.size(); ++layer) {
        QCOMPARE(plot.series[series].points[layer].x, static_cast<double>(layer));
        QVERIFY(std::abs(plot.series[series].points[layer].y - expected[layer]) < 1e-9);
      }
    };
    compare(0, {6, 5});  // keys, and so on
    compare(1, {4, 8});
    compare(2, {8, 8});
    compare(3, {2, 2});
    compare(4, {1, 2});
    compare(5, {2, 2});
    QCOMPARE(plot.series[0].name, std::string("MHA"));
    QVERIFY(plot.series[1].name.empty() && plot.series[1].stroke == figures::Stroke::Dashed);
    QVERIFY(plot.y.high > 8.0 && plot.x.high == 1.0);
  }

  void theTableHasEveryNumber() {
    const figures::Figure figure = figures::subspaceFigure(lanes(), SubspacesOf::Cache, "2026-11-28 12:00");
    const QStringList lines =
        QString::fromStdString(figures::csvText(figure)).split('\n', Qt::SkipEmptyParts);
    QCOMPARE(lines.size(), 1 + 2 * 2 * 2);
    QCOMPARE(lines[0].trimmed(),
             QString("lane,model,layer,of,bound,effective_rank,participation_ratio,kind"));
    const QStringList cells = lines[1].trimmed().split(',');
    QCOMPARE(cells.mid(0, 5), (QStringList{"MHA", "a model", "0", "keys", "8"}));
    QVERIFY(std::abs(cells[5].toDouble() - 2.0) < 1e-9);
    QVERIFY(std::abs(cells[6].toDouble() - 2.0) < 1e-9);
    QCOMPARE(cells[7], QString("computed"));
    const std::string svg = figures::encoded(figure, figures::FileKind::Svg);
    for (const char* word : {"MHA", "MQA", "1,234 positions", "effective rank"})
      QVERIFY2(svg.find(word) != std::string::npos, word);
  }

  void withoutSubspacesThereIsNoFigure() {
    std::vector<figures::SubspaceLane> none = lanes();
    for (figures::SubspaceLane& lane : none) lane.cached.clear();
    QVERIFY_THROWS_EXCEPTION(model::Error, figures::subspaceFigure(none, SubspacesOf::Cache, ""));
    QCOMPARE(figures::subspacePlot({}, SubspacesOf::Cache).series.size(), std::size_t{0});
  }
};

int main(int argc, char** argv) {
  const figures::Offscreen offscreen;
  TestSubspaceFigure test;
  return QTest::qExec(&test, argc, argv);
}
#include "tst_subspace_figure.moc"
