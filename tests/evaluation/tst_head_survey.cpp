#include <QTest>
#include <cmath>
#include <numeric>

#include "core/evaluation/head_survey.h"
#include "core/reference/reference_decoder.h"
#include "tests/support/random_model.h"

using namespace headroom;

/// What a survey finds of keys and values in the cache, against the values themselves.
class TestHeadSurvey : public QObject {
  Q_OBJECT

 private slots:
  void cachedSubspaces_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("MHA") << 4;
    QTest::newRow("GQA") << 2;
    QTest::newRow("MQA") << 1;
  }
  /// The squares of the singular values sum up to those of all elements, and rows of one token have one
  /// direction where positions do not turn it.
  void cachedSubspaces() {
    QFETCH(int, kvHeads);
    const model::Model model = tests::randomModel(tests::smallConfig({4, kvHeads, 8}), tests::Output::Tied);
    std::vector<int> text(40);
    std::iota(text.begin(), text.end(), 3);
    reference::ReferenceDecoder decoder(model, {});
    const evaluation::RepeatedTokens repeated{.length = 4};
    const auto never = [] { return false; };
    const analysis::HeadSurvey survey = evaluation::surveyHeads(decoder, text, repeated, never, {});
    QCOMPARE(static_cast<int>(survey.cached.size()), model.config.layerCount);

    const model::Capture capture{
        .activations = {{model::CapturePoint::Keys, {0, 1}}, {model::CapturePoint::Values, {0, 1}}}};
    const auto records = decoder.run(text, capture);
    for (int layer = 0; layer < model.config.layerCount; ++layer) {
      const auto squares = [&](model::CapturePoint point) {
        double sum = 0.0;
        for (const model::StepRecord& record : records) {
          for (const float value : record.find(point, layer)->values)
            sum += static_cast<double>(value) * static_cast<double>(value);
        }
        return sum;
      };
      const auto compare = [&](const analysis::Subspace& subspace, model::CapturePoint point) {
        QCOMPARE(subspace.bound, std::min(kvHeads * 8, 40));
        double sum = 0.0;
        for (const double value : subspace.singularValues) sum += value * value;
        const double expected = squares(point);
        QVERIFY(expected > 0.0);
        QVERIFY2(std::abs(sum - expected) <= 1e-5 * expected,
                 qPrintable(QString("%1, expected %2").arg(sum).arg(expected)));
        QVERIFY(subspace.effectiveRank() <= subspace.bound + 1e-9);
      };
      compare(survey.cached[static_cast<std::size_t>(layer)].keys, model::CapturePoint::Keys);
      compare(survey.cached[static_cast<std::size_t>(layer)].values, model::CapturePoint::Values);
    }

    // Values know nothing of positions: of one token again and again there is one direction in layer 0.
    const std::vector<int> again(20, 7);
    const analysis::HeadSurvey one = evaluation::surveyHeads(decoder, again, repeated, never, {});
    QVERIFY(one.cached[0].values.effectiveRank() < 1.01);
  }
};

QTEST_APPLESS_MAIN(TestHeadSurvey)
#include "tst_head_survey.moc"
