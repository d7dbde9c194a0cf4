#include <cmath>
#include <random>

#include <QTest>

#include "core/training/adamw.h"
#include "core/training/backward_pass.h"

using namespace headroom;
using namespace headroom::training;

class TestBackwardPass : public QObject {
  Q_OBJECT

 private:
  static model::ModelConfig config(int queryHeads, int kvHeads, int headDim) {
    model::ModelConfig result;
    result.layerCount = 2;
    result.modelDim = 20;
    result.ffnDim = 14;
    result.vocabSize = 23;
    result.contextLength = 100;
    result.attention = {queryHeads, kvHeads, headDim};
    result.ropeDim = headDim;
    return result;
  }

  static std::vector<double> randomParameters(const ParameterLayout& layout) {
    std::mt19937 random(7);
    std::normal_distribution<double> normal;
    std::vector<double> parameters(layout.size());
    for (const ParameterSlot& slot : layout.all()) {
      for (std::size_t i = 0; i < slot.size(); ++i) {
        const double value = normal(random);
        parameters[slot.offset + i] = slot.isMatrix ? value / std::sqrt(slot.columns) : 1.0 + 0.3 * value;
      }
    }
    return parameters;
  }

  static std::vector<int> randomTokens(int count, int vocabSize) {
    std::mt19937 random(3);
    std::vector<int> tokens;
    for (int i = 0; i < count; ++i)
      tokens.push_back(static_cast<int>(random() % static_cast<unsigned>(vocabSize)));
    return tokens;
  }

 private slots:
  void agreesWithFiniteDifferences_data() {
    QTest::addColumn<int>("queryHeads");
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("headDim");
    QTest::newRow("MHA") << 4 << 4 << 6;
    QTest::newRow("GQA") << 4 << 2 << 6;
    QTest::newRow("MQA") << 4 << 1 << 6;
    QTest::newRow("GQA, three heads a group") << 6 << 2 << 4;
  }

  /// Every matrix and gain, in double, over a sequence longer than one attention block.
  void agreesWithFiniteDifferences() {
    QFETCH(int, queryHeads);
    QFETCH(int, kvHeads);
    QFETCH(int, headDim);
    const model::ModelConfig shape = config(queryHeads, kvHeads, headDim);
    const ParameterLayout layout(shape);
    std::vector<double> parameters = randomParameters(layout);
    const std::vector<int> tokens = randomTokens(81, shape.vocabSize);
    BackwardPass<double> pass(shape, layout, 80);
    std::vector<double> gradient(layout.size());
    const double loss = pass.lossAndGradient(parameters, tokens, 1.0, gradient);
    QCOMPARE(loss, pass.loss(parameters, tokens));

    constexpr double kStep = 1e-5;
    for (const ParameterSlot& slot : layout.all()) {
      const std::size_t stride = std::max<std::size_t>(1, slot.size() / 25);
      for (std::size_t i = slot.offset; i < slot.offset + slot.size(); i += stride) {
        const double original = parameters[i];
        parameters[i] = original + kStep;
        const double above = pass.loss(parameters, tokens);
        parameters[i] = original - kStep;
        const double below = pass.loss(parameters, tokens);
        parameters[i] = original;
        const double slope = (above - below) / (2 * kStep);
        const double error = std::abs(slope - gradient[i]) / (1e-2 + std::abs(slope));
        QVERIFY2(error < 1e-5, qPrintable(QString("%1 element %2: difference %3, gradient %4")
                                              .arg(QString::fromStdString(slot.name))
                                              .arg(i - slot.offset)
                                              .arg(slope)
                                              .arg(gradient[i])));
      }
    }
  }

  void gradientsAddUp() {
    const model::ModelConfig shape = config(4, 1, 6);
    const ParameterLayout layout(shape);
    const std::vector<double> parameters = randomParameters(layout);
    const std::vector<int> tokens = randomTokens(30, shape.vocabSize);
    BackwardPass<double> pass(shape, layout, 80);
    std::vector<double> once(layout.size());
    pass.lossAndGradient(parameters, tokens, 1.0, once);
    std::vector<double> twice(layout.size());
    pass.lossAndGradient(parameters, tokens, 0.5, twice);
    pass.lossAndGradient(parameters, tokens, 1.5, twice);
    for (std::size_t i = 0; i < once.size(); ++i)
      QVERIFY(std::abs(twice[i] - 2.0 * once[i]) < 1e-9 * (1.0 + std::abs(once[i])));
  }

  void lossOfASuffixIsAPartOfTheWhole() {
    const model::ModelConfig shape = config(4, 2, 6);
    const ParameterLayout layout(shape);
    const std::vector<double> parameters = randomParameters(layout);
    const std::vector<int> tokens = randomTokens(41, shape.vocabSize);
    BackwardPass<double> pass(shape, layout, 80);
    const double whole = pass.loss(parameters, tokens);
    const double head = pass.loss(parameters, std::span(tokens).first(21));
    const double tail = pass.loss(parameters, tokens, 20);
    QVERIFY(std::abs(whole - head - tail) < 1e-9 * whole);
  }

  /// One AdamW step of one weight, worked out by hand from the paper's algorithm 2.
  void adamWFollowsThePaper() {
    model::ModelConfig shape = config(1, 1, 2);
    const ParameterLayout layout(shape);
    AdamW optimizer(layout, {.beta1 = 0.9f, .beta2 = 0.99f, .epsilon = 0.0f, .weightDecay = 0.1f});
    std::vector<float> parameters(layout.size(), 2.0f);
    std::vector<float> gradient(layout.size(), 0.5f);
    optimizer.update(parameters, gradient, 0.01f, 1);
    // The corrected moments are the gradient and its square, so the step is the rate; 2 (1 - 0.001) - 0.01.
    QVERIFY(std::abs(parameters[layout.tokenEmbedding().offset] - 1.988f) < 1e-6f);
    // Gains are not decayed.
    QVERIFY(std::abs(parameters[layout.outputNorm().offset] - 1.99f) < 1e-6f);
    std::ranges::fill(gradient, -1.0f);
    optimizer.update(parameters, gradient, 0.01f, 2);
    // m = 0.9 * 0.05 - 0.1 = -0.055, / 0.19; v = 0.99 * 0.0025 + 0.01 = 0.012475, / 0.0199.
    const double expected = 1.99 + 0.01 * (0.055 / 0.19) / std::sqrt(0.012475 / 0.0199);
    QVERIFY(std::abs(parameters[layout.outputNorm().offset] - expected) < 1e-6);
  }

  void learningRateWarmsUpAndFalls() {
    QCOMPARE(learningRateAt(0, 10, 100, 1.0f), 0.1f);
    QCOMPARE(learningRateAt(9, 10, 100, 1.0f), 1.0f);
    QCOMPARE(learningRateAt(10, 10, 100, 1.0f), 1.0f);
    QVERIFY(std::abs(learningRateAt(55, 10, 100, 1.0f) - 0.51f) < 1e-6f);
    QVERIFY(std::abs(learningRateAt(100, 10, 100, 1.0f) - 0.02f) < 1e-6f);
  }
};

QTEST_GUILESS_MAIN(TestBackwardPass)
#include "tst_backward_pass.moc"
