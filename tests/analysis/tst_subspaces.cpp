#include <QTest>
#include <cmath>
#include <random>

#include "core/analysis/subspaces.h"
#include "tests/support/random_model.h"

using namespace headroom;

namespace {
constexpr double kLimit = 1e-4;  // of floats whose products were summed

bool isNear(double actual, double expected) {
  return std::abs(actual - expected) <= kLimit * std::max(1.0, std::abs(expected));
}
}  // namespace

/// How many directions vectors use, where that is known.
class TestSubspaces : public QObject {
  Q_OBJECT

 private slots:
  /// Vectors along three axes, with lengths of which the ranks follow.
  void knownLengths() {
    const int columns = 6;
    analysis::SecondMoments sums(columns);
    std::vector<float> vectors;
    for (const auto& [axis, length] : {std::pair{4, 4.0f}, std::pair{1, 2.0f}, std::pair{2, 2.0f}}) {
      std::vector<float> vector(columns);
      vector[static_cast<std::size_t>(axis)] = length;
      vectors.insert(vectors.end(), vector.begin(), vector.end());
    }
    // In two portions.
    sums.add(std::span(vectors).first(columns));
    sums.add(std::span(vectors).subspan(columns));
    const analysis::Subspace subspace = analysis::subspaceOf(sums);
    QCOMPARE(subspace.bound, 3);
    QVERIFY(isNear(subspace.singularValues[0], 4.0));
    QVERIFY(isNear(subspace.singularValues[1], 2.0));
    QVERIFY(isNear(subspace.singularValues[2], 2.0));
    // Shares 1/2, 1/4, 1/4: exp of 1.5 ln 2. Squares 16, 4, 4: 24^2 / (256 + 16 + 16).
    QVERIFY(isNear(subspace.effectiveRank(), std::pow(2.0, 1.5)));
    QVERIFY(isNear(subspace.participationRatio(), 2.0));
  }

  void alikeLengthsUseAllDirections() {
    const int columns = 5;
    analysis::SecondMoments sums(columns);
    for (int repeat = 0; repeat < 3; ++repeat) {
      for (int axis = 0; axis < columns; ++axis) {
        std::vector<float> vector(columns);
        vector[static_cast<std::size_t>(axis)] = 0.5f;
        sums.add(vector);
      }
    }
    QVERIFY(isNear(analysis::subspaceOf(sums).effectiveRank(), columns));
    QVERIFY(isNear(analysis::subspaceOf(sums).participationRatio(), columns));
    QCOMPARE(analysis::subspaceOf(sums).bound, columns);
    QCOMPARE(analysis::subspaceOf(analysis::SecondMoments(columns)).effectiveRank(), 0.0);
  }

  /// W_K made of two directions whatever its size, W_V of one: no more is found, for MHA, GQA and MQA.
  void weightsOfKnownRank_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("MHA") << 4;
    QTest::newRow("GQA") << 2;
    QTest::newRow("MQA") << 1;
  }
  void weightsOfKnownRank() {
    QFETCH(int, kvHeads);
    const int headDim = 8;
    model::Model model = tests::randomModel(tests::smallConfig({4, kvHeads, headDim}), tests::Output::Tied);
    const auto rows = static_cast<std::size_t>(kvHeads * headDim);
    const auto columns = static_cast<std::size_t>(model.config.modelDim);
    const auto ofRank = [&](int rank, std::vector<float>& values, model::Tensor& tensor) {
      std::mt19937 random(7);
      std::normal_distribution<float> normal;
      values.assign(rows * columns, 0.0f);
      for (int direction = 0; direction < rank; ++direction) {
        std::vector<float> left(rows), right(columns);
        for (float& value : left) value = normal(random);
        for (float& value : right) value = normal(random);
        for (std::size_t row = 0; row < rows; ++row) {
          for (std::size_t column = 0; column < columns; ++column)
            values[row * columns + column] += left[row] * right[column];
        }
      }
      tensor = {model::Storage::F32, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns),
                std::as_bytes(std::span(values))};
    };
    std::vector<float> keys, values;
    ofRank(2, keys, model.weights.layers[1].key);
    ofRank(1, values, model.weights.layers[1].value);
    const auto layers = analysis::weightSubspaces(model);
    QCOMPARE(layers.size(), model.weights.layers.size());
    QCOMPARE(layers[1].keys.bound, static_cast<int>(std::min(rows, columns)));
    const auto rankOf = [](const analysis::Subspace& subspace) {
      return std::ranges::count_if(subspace.singularValues,
                                   [&](double value) { return value > 1e-5 * subspace.singularValues[0]; });
    };
    QCOMPARE(rankOf(layers[1].keys), 2);
    QCOMPARE(rankOf(layers[1].values), 1);
    QVERIFY(layers[1].keys.effectiveRank() < 2.01);
    QVERIFY(layers[1].values.effectiveRank() < 1.01);
    // The other layer's are random: all directions.
    QCOMPARE(rankOf(layers[0].keys), static_cast<std::ptrdiff_t>(std::min(rows, columns)));
  }
};

QTEST_APPLESS_MAIN(TestSubspaces)
#include "tst_subspaces.moc"
