#include <QTest>
#include <cmath>

#include "core/evaluation/head_survey.h"
#include "core/reference/reference_decoder.h"
#include "tests/evaluation/surveyed_text.h"
#include "tests/support/induction_model.h"

using namespace headroom;
using namespace headroom::tests;
using analysis::HeadSurvey;

namespace {
constexpr double kLimit = 1e-5;  // of attention and values that are handed back as floats
constexpr int kAxes = InductionCircuit::kAxes;

using Rows = std::vector<std::vector<double>>;

/// What the circuit does with a text, by its description alone.
struct Expected {
  Rows previous;   ///< attention of layer 0, head 0: [position][position]
  Rows induction;  ///< attention of layer 1, heads 0 and 1
  Rows before;     ///< what layer 0, head 0 writes: [position][token]
  Rows mixed;      ///< ... and head 1
  Rows copied;     ///< what each of heads 0 and 1 of layer 1 writes
};

double squares(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value * value;
  return sum;
}

std::vector<double> softmax(std::vector<double> scores) {
  double sum = 0.0;
  for (double& score : scores) sum += score = std::exp(score);
  for (double& score : scores) score /= sum;
  return scores;
}

Expected expectedOf(std::span<const int> tokens, double epsilon) {
  Expected expected;
  // Embedding and position have length 1 each.
  const double scale0 = 1.0 / std::sqrt(2.0 / InductionCircuit::kModelDim + epsilon);
  std::vector<double> scale1;
  const auto token = [&](std::size_t position) { return static_cast<std::size_t>(tokens[position]); };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::vector<double> scores(i + 1);
    if (i > 0) scores[i - 1] = InductionCircuit::kMatch * scale0 * scale0;
    expected.previous.push_back(softmax(scores));
    expected.before.emplace_back(kAxes);
    expected.mixed.emplace_back(kAxes);
    for (std::size_t j = 0; j <= i; ++j) {
      const double written = InductionCircuit::kWritten * scale0;
      expected.before[i][token(j)] += written * expected.previous[i][j];
      expected.mixed[i][token(j)] += written / static_cast<double>(i + 1);
    }
    scale1.push_back(1.0 / std::sqrt((2.0 + squares(expected.before[i]) + squares(expected.mixed[i])) /
                                         InductionCircuit::kModelDim +
                                     epsilon));
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::vector<double> scores;
    for (std::size_t j = 0; j <= i; ++j)
      scores.push_back(InductionCircuit::kMatch * scale1[i] * scale1[j] * expected.before[j][token(i)]);
    expected.induction.push_back(softmax(scores));
    expected.copied.emplace_back(kAxes);
    for (std::size_t j = 0; j <= i; ++j) expected.copied[i][token(j)] += scale1[j] * expected.induction[i][j];
  }
  return expected;
}

/// Of what followed earlier copies, as a mean over positions that have one.
std::pair<double, int> prefixMatching(const Rows& attention, std::span<const int> tokens) {
  double sum = 0.0;
  int positions = 0;
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    bool hasCopy = false;
    for (std::size_t j = 0; j < i; ++j) {
      if (tokens[j] != tokens[i]) continue;
      hasCopy = true;
      sum += attention[i][j + 1];
    }
    positions += hasCopy ? 1 : 0;
  }
  return {sum / positions, positions};
}

/// Over the positions behind the first.
double sumOfSquares(const Rows& rows) {
  double sum = 0.0;
  for (std::size_t i = 1; i < rows.size(); ++i) sum += squares(rows[i]);
  return sum;
}

}  // namespace

/// A survey of a model whose heads do what they were built for.
class TestHeadCircuit : public QObject {
  Q_OBJECT

 private:
  static void compare(double actual, double expected) {
    QVERIFY2(std::abs(actual - expected) <= kLimit * std::max(1.0, std::abs(expected)),
             qPrintable(QString("%1, expected %2").arg(actual, 0, 'g', 9).arg(expected, 0, 'g', 9)));
  }
  static bool isLeftOut(const HeadSurvey& survey, std::string_view name) {
    return std::ranges::any_of(survey.omissions, [&](const auto& omission) { return name == omission.name; });
  }

 private slots:
  void circuit_data() {
    QTest::addColumn<int>("queryHeads");
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("windows");
    QTest::newRow("MHA") << 2 << 2 << 1;
    QTest::newRow("GQA") << 4 << 2 << 1;
    QTest::newRow("MQA") << 3 << 1 << 1;
    QTest::newRow("MQA, two windows") << 3 << 1 << 2;
  }
  void circuit() {
    QFETCH(int, queryHeads);
    QFETCH(int, kvHeads);
    QFETCH(int, windows);
    const EditableModel edited = inductionModel(queryHeads, kvHeads);
    const model::Model& model = edited.model;
    const std::vector<int> window{15, 1, 2, 3, 1, 2, 3, 3, 4, 1, 2, 5, 3, 3, 9, 4};
    std::vector<int> text;
    for (int index = 0; index < windows; ++index) text.insert(text.end(), window.begin(), window.end());
    reference::ReferenceDecoder decoder(model, {});
    const evaluation::RepeatedTokens repeated{.length = 7, .draws = 3, .endId = 15, .startToken = 15};
    const HeadSurvey survey = evaluation::surveyHeads(decoder, text, repeated, kNever, {}, {.model = &model});
    QVERIFY(survey.isWhole);
    QCOMPARE(survey.windows, windows);
    const auto headOf = [&](int layer, int head) {
      return survey.heads[static_cast<std::size_t>(layer * queryHeads + head)];
    };
    const auto epsilon = static_cast<double>(model.config.normEpsilon);
    const Expected expected = expectedOf(window, epsilon);

    const auto [prefix, positions] = prefixMatching(expected.induction, window);
    QCOMPARE(survey.prefixPositions, positions * windows);
    QVERIFY(prefix > 0.95);
    for (const int head : {0, 1}) compare(headOf(1, head).scores.prefixMatching, prefix);
    compare(headOf(0, 0).scores.prefixMatching, prefixMatching(expected.previous, window).first);
    double previous = 0.0;
    for (std::size_t i = 1; i < window.size(); ++i) previous += expected.previous[i][i - 1] / 15.0;
    QVERIFY(previous > 0.99);
    compare(headOf(0, 0).scores.previousToken, previous);

    double induction = 0.0, previousInduction = 0.0;
    for (int draw = 0; draw < 3; ++draw) {
      const Expected said = expectedOf(evaluation::tokensOf(repeated, model.config.vocabSize, draw), epsilon);
      for (std::size_t i = 8; i < 15; ++i) {
        induction += said.induction[i][i - 6] / 21.0;
        previousInduction += said.previous[i][i - 6] / 21.0;
      }
    }
    QVERIFY(induction > 0.95);
    compare(headOf(1, 0).induction, induction);
    compare(headOf(1, 1).induction, induction);
    compare(headOf(0, 0).induction, previousInduction);

    // Layer 0 writes where no logits are made from; layer 1 the tokens themselves.
    for (const int head : {0, 1}) {
      QVERIFY(std::isnan(headOf(0, head).copying));
      compare(headOf(1, head).copying, 1.0);
    }

    const double before = sumOfSquares(expected.before), mixed = sumOfSquares(expected.mixed);
    compare(headOf(0, 0).writeShare, before / (before + mixed));
    compare(headOf(0, 1).writeShare, mixed / (before + mixed));
    compare(headOf(0, 0).writeSize, std::sqrt(before / 15.0 / 2.0));
    const double stream = 15.0 * 2.0 + before + mixed;
    for (const int head : {0, 1}) {
      compare(headOf(1, head).writeShare, 0.5);
      compare(headOf(1, head).writeSize, std::sqrt(sumOfSquares(expected.copied) / stream));
    }
    for (int layer = 0; layer < 2; ++layer) {
      for (int head = 2; head < queryHeads; ++head) {
        compare(headOf(layer, head).writeShare, 0.0);
        compare(headOf(layer, head).writeSize, 0.0);
        QVERIFY(std::isnan(headOf(layer, head).copying));
        QVERIFY(std::isnan(survey.outputCosines.between(layer, 0, head)));
      }
    }

    QCOMPARE(survey.outputCosines.rowCount, 15 * windows);
    compare(survey.outputCosines.between(0, 0, 1), 0.0);
    QVERIFY(survey.divergences.between(0, 0, 1) > 0.1);
    compare(survey.outputCosines.between(1, 0, 1), 1.0);
    compare(survey.divergences.between(1, 0, 1), 0.0);

    if (kvHeads == 1) {
      QVERIFY(isLeftOut(survey, "key_cka") && isLeftOut(survey, "value_cka"));
      QVERIFY(survey.keyCka.layers.empty() && survey.valueCka.layers.empty());
    } else {
      QVERIFY(survey.omissions.empty());
      QCOMPARE(survey.keyCka.rowCount, 16);
      for (const int layer : {0, 1}) {
        compare(survey.keyCka.between(layer, 0, 1), 1.0);
        compare(survey.valueCka.between(layer, 1, 0), 1.0);
      }
    }
  }

  /// What cannot be computed says why, and all else stays.
  void leftOut() {
    const EditableModel edited = inductionModel(2, 2);
    const model::Model& model = edited.model;
    reference::ReferenceDecoder decoder(model, {});
    const std::vector<int> text{1, 2, 3, 4};
    const evaluation::RepeatedTokens repeated{.length = 4, .draws = 1, .endId = 15};
    const auto reasonOf = [](const HeadSurvey& survey, std::string_view name) {
      for (const HeadSurvey::Omission& omission : survey.omissions) {
        if (name == omission.name) return omission.reason;
      }
      return std::string();
    };
    const HeadSurvey withoutModel = evaluation::surveyHeads(decoder, text, repeated, kNever, {});
    for (const char* name : {"copying", "write_share", "write_size", "output_cosine", "prefix_matching"})
      QVERIFY2(isLeftOut(withoutModel, name), name);
    QVERIFY(std::isnan(withoutModel.heads[0].writeShare) && withoutModel.outputCosines.layers.empty());
    QVERIFY(!isLeftOut(withoutModel, "key_cka"));

    const HeadSurvey bounded = evaluation::surveyHeads(decoder, text, repeated, kNever, {},
                                                       {.model = &model, .mostCopyingOperations = 2.0});
    QVERIFY(bounded.isWhole);
    QVERIFY2(reasonOf(bounded, "copying").find("at most") != std::string::npos,
             reasonOf(bounded, "copying").c_str());
    QVERIFY(std::isnan(bounded.heads[2].copying) && !std::isnan(bounded.heads[2].writeShare));

    int asked = 0;
    const auto later = [&](int after) {
      asked = 0;
      return evaluation::surveyHeads(decoder, text, repeated, [&, after] { return ++asked > after; }, {},
                                     {.model = &model});
    };
    // Two steps are read; the third question comes with the copying scores.
    const HeadSurvey stopped = later(2);
    QVERIFY(!stopped.isWhole);
    QCOMPARE(stopped.positions, 3);
    QVERIFY(isLeftOut(stopped, "copying") && !std::isnan(stopped.heads[0].writeShare));
    const HeadSurvey atOnce = later(0);
    for (const char* name : {"copying", "write_share", "output_cosine", "key_cka"})
      QVERIFY2(isLeftOut(atOnce, name), name);

    const model::Model wide = randomModel(smallConfig({18, 1, 64}), Output::Tied);
    reference::ReferenceDecoder wideDecoder(wide, {});
    const HeadSurvey tooWide =
        evaluation::surveyHeads(wideDecoder, text, repeated, kNever, {}, {.model = &wide});
    QVERIFY2(reasonOf(tooWide, "output_cosine").find("1024") != std::string::npos &&
                 reasonOf(tooWide, "output_cosine").find("1152") != std::string::npos,
             reasonOf(tooWide, "output_cosine").c_str());
    QVERIFY(!std::isnan(tooWide.heads[0].copying));
  }
};

QTEST_APPLESS_MAIN(TestHeadCircuit)
#include "tst_head_circuit.moc"
