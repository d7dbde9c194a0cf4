#include <QTest>
#include <cmath>
#include <random>

#include "core/analysis/head_outputs.h"
#include "core/analysis/head_pairs.h"

using namespace headroom;
using analysis::LayerOutputs;

namespace {

constexpr double kLimit = 1e-9;  // of sums in double

/// [rows][columns] of floats, and a tensor of them.
struct Table {
  int rows = 0;
  int columns = 0;
  std::vector<float> values = std::vector<float>(static_cast<std::size_t>(rows * columns));

  float& at(int row, int column) { return values[static_cast<std::size_t>(row * columns + column)]; }
  double operator()(int row, int column) const {
    return static_cast<double>(values[static_cast<std::size_t>(row * columns + column)]);
  }
  model::Tensor tensor() const {
    return {model::Storage::F32, rows, columns, std::as_bytes(std::span(values))};
  }
};

Table randomTable(int rows, int columns, unsigned seed) {
  Table table{rows, columns};
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (float& value : table.values) value = normal(random);
  return table;
}

LayerOutputs outputsOf(const Table& outputs, const Table& matrix, const model::AttentionShape& heads) {
  analysis::SecondMoments moments(outputs.columns);
  // In portions of one, two, ... vectors.
  const std::span<const float> all = outputs.values;
  int first = 0;
  for (int count = 1; first < outputs.rows; first += count++) {
    count = std::min(count, outputs.rows - first);
    moments.add(all.subspan(static_cast<std::size_t>(first * outputs.columns),
                            static_cast<std::size_t>(count * outputs.columns)));
  }
  return analysis::outputsOf(moments, matrix.tensor(), heads);
}

}  // namespace

/// What heads write, of vectors and matrices for which that is known.
class TestHeadOutputs : public QObject {
  Q_OBJECT

 private:
  static void compare(double actual, double expected) {
    QVERIFY2(std::abs(actual - expected) <= kLimit * std::max(1.0, std::abs(expected)),
             qPrintable(QString("%1, expected %2").arg(actual, 0, 'g', 15).arg(expected, 0, 'g', 15)));
  }

 private slots:
  /// Five heads of one element at two positions. W_O sends the first two along one axis, the third along
  /// another, the fourth against the first; the fifth gives nothing.
  void knownHeads() {
    Table matrix{2, 5};
    matrix.at(0, 0) = matrix.at(0, 1) = matrix.at(1, 2) = 1.0f;
    matrix.at(0, 3) = -1.0f;
    matrix.at(1, 4) = 1.0f;
    Table outputs{2, 5};
    for (int position = 0; position < 2; ++position) {
      outputs.at(position, 0) = outputs.at(position, 1) = position == 0 ? 3.0f : 1.0f;
      outputs.at(position, 2) = 2.0f;
      outputs.at(position, 3) = position == 0 ? 1.0f : 0.0f;
    }
    const LayerOutputs found = outputsOf(outputs, matrix, {5, 1, 1});
    // a = (3 + 3 - 1, 2) and (1 + 1, 2): |a|^2 sums up to 29 + 8.
    compare(found.shares[0], (3 * 5 + 1 * 2) / 37.0);
    compare(found.shares[1], (3 * 5 + 1 * 2) / 37.0);
    compare(found.shares[2], (2 * 2 + 2 * 2) / 37.0);
    compare(found.shares[3], -1 * 5 / 37.0);
    compare(found.shares[4], 0.0);
    compare(found.sizes[0], std::sqrt((9.0 + 1.0) / 2.0));
    compare(found.sizes[2], 2.0);
    compare(found.sizes[3], std::sqrt(0.5));
    compare(found.sizes[4], 0.0);
    const auto cosine = [&](int head, int other) {
      return found.cosines[static_cast<std::size_t>(head * 5 + other)];
    };
    compare(cosine(0, 1), 1.0);
    compare(cosine(0, 2), 0.0);
    compare(cosine(0, 3), -3.0 / std::sqrt(10.0));
    compare(cosine(3, 0), -3.0 / std::sqrt(10.0));
    for (int head = 0; head < 4; ++head) compare(cosine(head, head), 1.0);
    QVERIFY(std::isnan(cosine(4, 0)) && std::isnan(cosine(0, 4)) && std::isnan(cosine(4, 4)));
  }

  /// Every c_h(t) written out.
  void asWrittenOut_data() {
    QTest::addColumn<int>("heads");
    QTest::addColumn<int>("headDim");
    QTest::addColumn<int>("positions");
    QTest::newRow("one head") << 1 << 8 << 5;
    QTest::newRow("fewer positions than elements") << 6 << 20 << 7;
    QTest::newRow("more positions, more rows than a block of W_O") << 4 << 16 << 301;
  }
  void asWrittenOut() {
    QFETCH(int, heads);
    QFETCH(int, headDim);
    QFETCH(int, positions);
    const int modelDim = 300;
    const Table matrix = randomTable(modelDim, heads * headDim, 1);
    const Table outputs = randomTable(positions, heads * headDim, 2);
    std::vector<double> products(static_cast<std::size_t>(heads * heads));
    for (int position = 0; position < positions; ++position) {
      std::vector<std::vector<double>> written(static_cast<std::size_t>(heads));
      for (int head = 0; head < heads; ++head) {
        for (int row = 0; row < modelDim; ++row) {
          double sum = 0.0;
          for (int element = head * headDim; element < (head + 1) * headDim; ++element)
            sum += matrix(row, element) * outputs(position, element);
          written[static_cast<std::size_t>(head)].push_back(sum);
        }
      }
      for (int head = 0; head < heads; ++head) {
        for (int other = 0; other < heads; ++other) {
          for (std::size_t row = 0; row < static_cast<std::size_t>(modelDim); ++row)
            products[static_cast<std::size_t>(head * heads + other)] +=
                written[static_cast<std::size_t>(head)][row] * written[static_cast<std::size_t>(other)][row];
        }
      }
    }
    const auto product = [&](int head, int other) {
      return products[static_cast<std::size_t>(head * heads + other)];
    };
    double all = 0.0;
    for (const double value : products) all += value;
    const LayerOutputs found = outputsOf(outputs, matrix, {heads, 1, headDim});
    double shares = 0.0;
    for (int head = 0; head < heads; ++head) {
      double share = 0.0;
      for (int other = 0; other < heads; ++other) {
        share += product(head, other) / all;
        compare(found.cosines[static_cast<std::size_t>(head * heads + other)],
                product(head, other) / std::sqrt(product(head, head) * product(other, other)));
      }
      compare(found.shares[static_cast<std::size_t>(head)], share);
      compare(found.sizes[static_cast<std::size_t>(head)], std::sqrt(product(head, head) / positions));
      shares += found.shares[static_cast<std::size_t>(head)];
    }
    compare(shares, 1.0);
  }

  void nothingRead() {
    const LayerOutputs none =
        analysis::outputsOf(analysis::SecondMoments(4), randomTable(3, 4, 1).tensor(), {2, 1, 2});
    QVERIFY(std::isnan(none.shares[0]) && std::isnan(none.sizes[1]) && std::isnan(none.cosines[1]));
    QVERIFY(analysis::hasOutputs({8, 1, 128}));
    QVERIFY(!analysis::hasOutputs({9, 1, 128}));
  }

  /// Pairs without a value do not count.
  void summaries() {
    const double none = std::nan("");
    const analysis::HeadPairs pairs{
        .headCount = 4,
        .rowCount = 1,
        .layers = {{1, .5, .25, none, .5, 1, .75, none, .25, .75, 1, none, none, none, none, none}}};
    const auto [within, across] = analysis::summarise(pairs, {4, 2, 8});
    QCOMPARE(within.pairs, 1);
    compare(within.mean, 0.5);
    QCOMPARE(across.pairs, 2);
    compare(across.mean, 0.5);
    compare(across.deviation, 0.25);
    QCOMPARE(analysis::summariseAll(pairs).pairs, 3);
    compare(analysis::summariseAll(pairs).deviation, std::sqrt((0.0625 + 0.0 + 0.0625) / 3.0));
  }
};

QTEST_APPLESS_MAIN(TestHeadOutputs)
#include "tst_head_outputs.moc"
