#include <QTest>
#include <cmath>
#include <functional>
#include <random>

#include "core/analysis/linear_cka.h"

using namespace headroom;

namespace {

constexpr int kHeadDim = 3;
constexpr int kPositions = 40;
/// Of floats whose means are taken away.
constexpr double kLimit = 1e-6;

/// [position][element] of a head.
using Vectors = std::vector<std::vector<double>>;

Vectors randomVectors(unsigned seed, double mean = 0.0) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(mean, 1.0);
  Vectors vectors(kPositions, std::vector<double>(kHeadDim));
  for (auto& vector : vectors) {
    // Elements of unlike size, and correlated.
    for (int element = 0; element < kHeadDim; ++element)
      vector[static_cast<std::size_t>(element)] = normal(random) * (1 + element) + vector[0];
  }
  return vectors;
}

/// Rotated in the planes of the first two and the last two elements, scaled and shifted.
Vectors rotated(const Vectors& vectors, double angle, double scale, double shift) {
  Vectors result;
  for (const auto& v : vectors) {
    const double c = std::cos(angle), s = std::sin(angle);
    const double x = c * v[0] - s * v[1], y = s * v[0] + c * v[1];
    result.push_back({scale * x + shift, scale * (c * y - s * v[2]) + shift, scale * (s * y + c * v[2])});
  }
  return result;
}

analysis::SecondMoments momentsOf(const std::vector<Vectors>& heads, int portion = kPositions) {
  analysis::SecondMoments moments(static_cast<int>(heads.size()) * kHeadDim);
  for (int first = 0; first < kPositions; first += portion) {
    std::vector<float> rows;
    for (int position = first; position < std::min(first + portion, kPositions); ++position) {
      for (const Vectors& head : heads) {
        for (const double value : head[static_cast<std::size_t>(position)])
          rows.push_back(static_cast<float>(value));
      }
    }
    moments.add(rows);
  }
  return moments;
}

/// Centred products of all pairs of positions, K = H X X^T H.
std::vector<std::vector<double>> centredKernel(const Vectors& vectors) {
  std::vector<std::vector<double>> kernel(kPositions, std::vector<double>(kPositions));
  std::vector<double> means(kHeadDim);
  for (const auto& vector : vectors) {
    for (std::size_t element = 0; element < means.size(); ++element)
      means[element] += vector[element] / kPositions;
  }
  for (std::size_t i = 0; i < kPositions; ++i) {
    for (std::size_t j = 0; j < kPositions; ++j) {
      for (std::size_t element = 0; element < means.size(); ++element)
        kernel[i][j] += (vectors[i][element] - means[element]) * (vectors[j][element] - means[element]);
    }
  }
  return kernel;
}

/// tr(K L) / sqrt(tr(K K) tr(L L)), the other form of the definition: over positions, not over elements.
double ckaByKernels(const Vectors& one, const Vectors& other) {
  const auto k = centredKernel(one), l = centredKernel(other);
  double cross = 0.0, ofOne = 0.0, ofOther = 0.0;
  for (std::size_t i = 0; i < kPositions; ++i) {
    for (std::size_t j = 0; j < kPositions; ++j) {
      cross += k[i][j] * l[i][j];
      ofOne += k[i][j] * k[i][j];
      ofOther += l[i][j] * l[i][j];
    }
  }
  return cross / std::sqrt(ofOne * ofOther);
}

}  // namespace

/// Similarities of vectors for which they are known.
class TestLinearCka : public QObject {
  Q_OBJECT

 private slots:
  void knownVectors() {
    const Vectors one = randomVectors(1, 5.0);
    const std::vector<Vectors> heads{one, one, rotated(one, 0.7, 2.5, -3.0), randomVectors(2),
                                     Vectors(kPositions, {0.3, -0.1, 7.0})};
    for (const int portion : {kPositions, 7}) {
      const std::vector<double> cka = analysis::linearCka(momentsOf(heads, portion), 5);
      const auto between = [&](int head, int other) {
        return cka[static_cast<std::size_t>(head * 5 + other)];
      };
      for (int head = 0; head < 4; ++head) QVERIFY(std::abs(between(head, head) - 1.0) < kLimit);
      QVERIFY(std::abs(between(0, 1) - 1.0) < kLimit);
      QVERIFY(std::abs(between(0, 2) - 1.0) < kLimit);
      const double expected = ckaByKernels(heads[2], heads[3]);
      QVERIFY(expected > 0.001 && expected < 0.5);
      QVERIFY2(std::abs(between(2, 3) - expected) < kLimit,
               qPrintable(QString("%1, expected %2").arg(between(2, 3)).arg(expected)));
      QCOMPARE(between(3, 2), between(2, 3));
      // One vector at all positions has nothing to compare.
      for (int head = 0; head < 5; ++head) QVERIFY(std::isnan(between(head, 4)));
    }
  }

  void nothingRead() { QVERIFY(std::isnan(analysis::linearCka(analysis::SecondMoments(6), 2)[1])); }
};

QTEST_APPLESS_MAIN(TestLinearCka)
#include "tst_linear_cka.moc"
