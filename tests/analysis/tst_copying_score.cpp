#include <Eigen/Eigenvalues>

#include <QTest>
#include <cmath>

#include "core/analysis/copying_score.h"
#include "tests/support/architecture_models.h"
#include "tests/support/edited_model.h"

using namespace headroom;
using namespace headroom::tests;

namespace {

const auto kNever = [] { return false; };
constexpr double kLimit = 1e-6;

using Square = Eigen::MatrixXd;

Square matrixOf(const model::Tensor& tensor) {
  const std::vector<float> values = tensor.toFloat();
  Square matrix(tensor.rows, tensor.columns);
  for (Eigen::Index row = 0; row < matrix.rows(); ++row) {
    for (Eigen::Index column = 0; column < matrix.cols(); ++column)
      matrix(row, column) =
          static_cast<double>(values[static_cast<std::size_t>(row * matrix.cols() + column)]);
  }
  return matrix;
}

/// diag(gain), with (I - 1 1^T / n) before it for LayerNorm; the identity of an empty one.
Square normMatrix(const model::Tensor& gain, int modelDim, bool isCentred) {
  Square matrix = Square::Identity(modelDim, modelDim);
  if (gain.empty()) return matrix;
  if (isCentred) matrix.array() -= 1.0 / modelDim;
  const Square gains = matrixOf(gain);
  for (int row = 0; row < modelDim; ++row) matrix.row(row) *= gains(0, row);
  return matrix;
}

}  // namespace

/// Copying scores of circuits built by hand, and of random ones by all eigenvalues of the large matrix.
class TestCopyingScore : public QObject {
  Q_OBJECT

 private slots:
  /// Tokens 0 to 7 are axes of the residual stream. Each head takes them to the axes of one rotation by a
  /// quarter, pair by pair, to themselves, to their opposites, or to nothing that a token is read from.
  void knownCircuits_data() {
    QTest::addColumn<int>("queryHeads");
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("MHA") << 4 << 4;
    QTest::newRow("GQA") << 4 << 2;
    QTest::newRow("MQA") << 4 << 1;
  }
  void knownCircuits() {
    QFETCH(int, queryHeads);
    QFETCH(int, kvHeads);
    constexpr int kHeadDim = 8;
    EditableModel edited{randomModel(smallConfig({queryHeads, kvHeads, kHeadDim}), Output::Tied)};
    model::Weights& weights = edited.model.weights;
    const auto columns = static_cast<std::size_t>(edited.model.config.modelDim);
    edited.fill(weights.outputNorm, 1.0f);
    const std::span<float> embedding = edited.edit(weights.tokenEmbedding);
    std::ranges::fill(embedding, 0.0f);
    for (std::size_t token = 0; token < kHeadDim; ++token) embedding[token * columns + token] = 1.0f;
    weights.output = weights.tokenEmbedding;
    for (model::LayerWeights& layer : weights.layers) {
      edited.fill(layer.attentionNorm, 1.0f);
      const std::span<float> value = edited.edit(layer.value);
      std::ranges::fill(value, 0.0f);
      for (std::size_t row = 0; row < value.size() / columns; ++row)
        value[row * columns + row % kHeadDim] = 2.0f;
      const std::span<float> output = edited.edit(layer.attentionOutput);
      std::ranges::fill(output, 0.0f);
      const auto queryDim = static_cast<std::size_t>(queryHeads * kHeadDim);
      for (std::size_t element = 0; element < kHeadDim; ++element) {
        const auto put = [&](std::size_t head, std::size_t row, float weight) {
          output[row * queryDim + head * kHeadDim + element] = weight;
        };
        put(0, element, 0.5f);
        put(1, element, -3.0f);
        // By 60 degrees: eigenvalues cos 60 +- i sin 60, of modulus 1.
        put(2, element, 0.5f);
        put(2, element ^ 1u, element % 2 == 0 ? std::sqrt(0.75f) : -std::sqrt(0.75f));
        put(3, element + kHeadDim, 1.0f);
      }
    }
    const auto scores = analysis::copyingScores(edited.model, kNever);
    QCOMPARE(scores.size(), 2u);
    for (const std::vector<double>& layer : scores) {
      QCOMPARE(layer.size(), 4u);
      QVERIFY(std::abs(layer[0] - 1.0) < kLimit);
      QVERIFY(std::abs(layer[1] + 1.0) < kLimit);
      QVERIFY(std::abs(layer[2] - 0.5) < kLimit);
      QVERIFY(std::isnan(layer[3]));
    }
  }

  /// Every family: the matrix from token to logits as its definition says, and all its eigenvalues.
  void asTheLargeMatrix_data() {
    QTest::addColumn<ArchitectureRow>("row");
    QTest::addColumn<bool>("isTied");
    for (const char* name : {"llama", "gemma2", "gpt2", "falcon", "phi2"}) {
      for (const ArchitectureRow& row : architectureRows()) {
        if (row.name == name) QTest::addRow("%s", name) << row << (row.config.attention.kvHeadCount != 1);
      }
    }
  }
  void asTheLargeMatrix() {
    QFETCH(ArchitectureRow, row);
    QFETCH(bool, isTied);
    const model::Model model = randomModel(row.config, isTied ? Output::Tied : Output::Separate, 3);
    QCOMPARE(model.weights.tied(), isTied);
    const model::AttentionShape& heads = model.config.attention;
    const bool isCentred = model.config.traits.norm == model::Norm::Layer;
    const int modelDim = model.config.modelDim;
    const model::LayerWeights& layer = model.weights.layers[1];
    const Square read = normMatrix(layer.attentionNorm, modelDim, isCentred) *
                        matrixOf(model.weights.tokenEmbedding).transpose();
    const Square written = matrixOf(model.weights.output) *
                           normMatrix(model.weights.outputNorm, modelDim, isCentred) *
                           normMatrix(layer.attentionPostNorm, modelDim, false);
    const auto scores = analysis::copyingScores(model, kNever);
    for (const int head : {0, heads.queryHeadCount - 1}) {
      const Square large =
          written * matrixOf(layer.attentionOutput).middleCols(head * heads.headDim, heads.headDim) *
          matrixOf(layer.value).middleRows(heads.kvHeadOf(head) * heads.headDim, heads.headDim) * read;
      QCOMPARE(large.rows(), model.config.vocabSize);
      const Eigen::EigenSolver<Square> solver(large, false);
      const double expected = solver.eigenvalues().real().sum() / solver.eigenvalues().cwiseAbs().sum();
      const double score = scores[1][static_cast<std::size_t>(head)];
      QVERIFY(std::abs(expected) > 1e-3);
      QVERIFY2(std::abs(score - expected) < kLimit,
               qPrintable(QString("head %1: %2, expected %3").arg(head).arg(score).arg(expected)));
    }
  }

  void stops() {
    const model::Model model = randomModel(smallConfig({4, 2, 8}), Output::Separate);
    int asked = 0;
    const auto count = [&] { return ++asked < 0; };
    QCOMPARE(analysis::copyingScores(model, count).size(), 2u);
    const int questions = asked;
    QVERIFY(questions >= 2 * 4);
    for (int last = 1; last <= questions; ++last) {
      int left = last;
      QVERIFY(analysis::copyingScores(model, [&] { return --left == 0; }).empty());
    }
  }

  /// Multiplications of the products, counted by their shapes.
  void operations() {
    model::ModelConfig config = smallConfig({4, 2, 8});
    const model::Model tied = randomModel(config, Output::Tied),
                       separate = randomModel(config, Output::Separate);
    const double vocab = tied.config.vocabSize;
    QCOMPARE(analysis::copyingOperations(separate) - analysis::copyingOperations(tied), vocab * 64 * 64 / 2);
    QVERIFY(analysis::copyingOperations(tied) > vocab * 64 * 64 / 2 + 2 * (64 * 64 * 32 + 4 * 8 * 64 * 8));
  }
};

QTEST_APPLESS_MAIN(TestCopyingScore)
#include "tst_copying_score.moc"
