#include <QtTest>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "core/model/decoder.h"
#include "core/model/sampler.h"

using namespace headroom::model;

namespace {
// Probabilities 0.5, 0.3, 0.15, 0.05 at temperature 1, in shuffled positions.
const std::array<float, 4> kLogits = {std::log(0.15f), std::log(0.5f), std::log(0.05f), std::log(0.3f)};
constexpr int kDraws = 20000;

std::map<int, int> draw(const SamplingOptions& options) {
  Sampler sampler(options);
  std::map<int, int> counts;
  for (int i = 0; i < kDraws; ++i) ++counts[sampler.pick(kLogits)];
  return counts;
}

double share(const std::map<int, int>& counts, int token) {
  const auto found = counts.find(token);
  return found == counts.end() ? 0.0 : static_cast<double>(found->second) / kDraws;
}
}  // namespace

class TstSampler : public QObject {
  Q_OBJECT

 private slots:
  void distribution_data() {
    QTest::addColumn<float>("temperature");
    QTest::addColumn<int>("topK");
    QTest::addColumn<float>("topP");
    QTest::addColumn<QList<double>>("expected");  // by token
    QTest::newRow("greedy") << 0.0f << 0 << 1.0f << QList<double>{0, 1, 0, 0};
    QTest::newRow("temperature 1") << 1.0f << 0 << 1.0f << QList<double>{0.15, 0.5, 0.05, 0.3};
    // Squared and normalised: 0.0225, 0.25, 0.0025, 0.09 of 0.365.
    QTest::newRow("temperature 0.5") << 0.5f << 0 << 1.0f << QList<double>{0.0616, 0.6849, 0.0068, 0.2466};
    QTest::newRow("top-k 2") << 1.0f << 2 << 1.0f << QList<double>{0, 0.625, 0, 0.375};
    QTest::newRow("top-k 1 is greedy") << 1.0f << 1 << 1.0f << QList<double>{0, 1, 0, 0};
    QTest::newRow("top-k beyond the vocabulary") << 1.0f << 99 << 1.0f << QList<double>{0.15, 0.5, 0.05, 0.3};
    // 0.5 + 0.3 reach 0.7.
    QTest::newRow("top-p 0.7") << 1.0f << 0 << 0.7f << QList<double>{0, 0.625, 0, 0.375};
    QTest::newRow("top-p 0.1 keeps the best") << 1.0f << 0 << 0.1f << QList<double>{0, 1, 0, 0};
    QTest::newRow("top-k 3, top-p 0.9")
        << 1.0f << 3 << 0.9f << QList<double>{0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95};
  }
  void distribution() {
    QFETCH(float, temperature);
    QFETCH(int, topK);
    QFETCH(float, topP);
    QFETCH(QList<double>, expected);
    const auto counts = draw({.temperature = temperature, .topK = topK, .topP = topP, .seed = 7});
    for (int token = 0; token < 4; ++token) {
      const double limit = expected[token] == 0.0 ? 0.0 : 4.0 * std::sqrt(0.25 / kDraws);
      QVERIFY2(std::abs(share(counts, token) - expected[token]) <= limit,
               qPrintable(QString("token %1: %2").arg(token).arg(share(counts, token))));
    }
  }

  void seedDecides() {
    const auto sequence = [](std::uint64_t seed) {
      Sampler sampler({.temperature = 1.0f, .seed = seed});
      std::vector<int> tokens;
      for (int i = 0; i < 50; ++i) tokens.push_back(sampler.pick(kLogits));
      return tokens;
    };
    QVERIFY(sequence(1) == sequence(1));
    QVERIFY(sequence(1) != sequence(2));
    Sampler sampler({.temperature = 1.0f, .seed = 1});
    for (int i = 0; i < 13; ++i) sampler.pick(kLogits);
    sampler.reset();
    std::vector<int> tokens;
    for (int i = 0; i < 50; ++i) tokens.push_back(sampler.pick(kLogits));
    QVERIFY(tokens == sequence(1));
  }

  void greedyTakesTheFirstOfEquals() {
    const std::array<float, 3> logits = {1.0f, 2.0f, 2.0f};
    QCOMPARE(Sampler({}).pick(logits), 1);
  }

  void summary() {
    const Distribution result = summarise(kLogits, 2);
    QCOMPARE(result.candidates.size(), std::size_t{2});
    QCOMPARE(result.candidates[0].token, 1);
    QVERIFY(std::abs(result.candidates[0].probability - 0.5f) < 1e-6f);
    QCOMPARE(result.candidates[1].token, 3);
    const double entropy =
        -(0.5 * std::log(0.5) + 0.3 * std::log(0.3) + 0.15 * std::log(0.15) + 0.05 * std::log(0.05));
    QVERIFY(std::abs(result.entropy - entropy) < 1e-5);
    const std::array<float, 4> equal = {3.0f, 3.0f, 3.0f, 3.0f};
    QVERIFY(std::abs(summarise(equal, 4).entropy - std::log(4.0)) < 1e-6);
  }
};

QTEST_GUILESS_MAIN(TstSampler)
#include "tst_sampler.moc"
