#include <QTest>
#include <cmath>

#include "core/evaluation/head_means.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "tests/support/random_model.h"
#include "tests/support/uploaded_decoder.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;
using namespace headroom::tests;

namespace {
constexpr int kContext = 8;

std::vector<int> someTokens(int count) {
  std::vector<int> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back((i * 5 + i * i + 3) % 20);
  return tokens;
}

/// A head's output before W_O, averaged over `text`: token by token, from captured weights and values.
std::vector<double> meanByHand(const model::Model& model, std::span<const int> text, model::HeadPlace head) {
  reference::ReferenceDecoder decoder(model, {.contextLength = kContext});
  const auto headDim = static_cast<std::size_t>(model.config.attention.headDim);
  const auto kvHead = static_cast<std::size_t>(model.config.attention.kvHeadOf(head.queryHead));
  model::Capture capture = model::Capture::everything();
  capture.activations.push_back({model::CapturePoint::Values, {head.layer}});
  std::vector<double> sum(headDim);
  std::vector<std::vector<float>> values;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % kContext == 0) {
      decoder.truncate(0);
      values.clear();
    }
    const model::StepRecord record = decoder.runTokens(text.subspan(i, 1), {.capture = capture}).back();
    const std::span<const float> now = record.find(model::CapturePoint::Values, head.layer)->row(0);
    values.emplace_back(now.begin(), now.end());
    const std::span<const float> weights = record.attention.row(head.layer, head.queryHead, 0);
    for (std::size_t j = 0; j < values.size(); ++j) {
      for (std::size_t d = 0; d < headDim; ++d)
        sum[d] += double{weights[j]} * values[j][kvHead * headDim + d];
    }
  }
  for (double& element : sum) element /= static_cast<double>(text.size());
  return sum;
}

}  // namespace

/// What heads give on average.
class TestHeadMeans : public QObject {
  Q_OBJECT

  VulkanDevice m_gpu;

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// Over a text of several windows, on the processor and on the device.
  void meansAreThoseOfTheText_data() {
    QTest::addColumn<int>("kvHeads");
    for (const int kvHeads : {4, 2, 1}) QTest::newRow(qPrintable(QString::number(kvHeads))) << kvHeads;
  }
  void meansAreThoseOfTheText() {
    QFETCH(int, kvHeads);
    const model::Model model = randomModel(smallConfig({4, kvHeads, 16}), Output::Tied);
    const std::vector<int> text = someTokens(2 * kContext + 3);
    const std::vector<model::HeadPlace> heads{{1, 2}, {0, 3}};
    reference::ReferenceDecoder reference(model, {.contextLength = kContext});
    UploadedDecoder onDevice(m_gpu.device, model, {.contextLength = kContext});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&reference, &onDevice}) {
      std::int64_t told = 0;
      const auto means =
          evaluation::headMeans(*decoder, text, heads, {}, [&](std::int64_t done, std::int64_t total) {
            told = done;
            QCOMPARE(total, std::int64_t{19});
          });
      QCOMPARE(told, std::int64_t{19});
      QCOMPARE(decoder->position(), 0);
      QCOMPARE(means.size(), heads.size());
      for (std::size_t index = 0; index < heads.size(); ++index) {
        QCOMPARE(means[index].head, heads[index]);
        QCOMPARE(means[index].positions, std::int64_t{19});
        const std::vector<double> expected = meanByHand(model, text, heads[index]);
        QCOMPARE(means[index].mean.size(), expected.size());
        for (std::size_t d = 0; d < expected.size(); ++d)
          QVERIFY(std::abs(double{means[index].mean[d]} - expected[d]) < 1e-5);
      }
    }
  }

  void onlyWhatIsMissingIsMeasured() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    reference::ReferenceDecoder decoder(model, {.contextLength = kContext});
    const std::vector<float> known(16, 1.0f);
    using model::HeadOutput;
    std::vector<model::HeadChange> changes{
        {{0, 0}}, {{0, 1}, HeadOutput::Mean, 0.0, known, 3}, {{1, 1}, HeadOutput::Mean}};
    QVERIFY(evaluation::measureMeans(decoder, someTokens(5), changes, {}, {}));
    QVERIFY(changes[0].mean.empty());
    QCOMPARE(changes[1].mean, known);
    QCOMPARE(changes[1].meanPositions, std::int64_t{3});
    QCOMPARE(changes[2].meanPositions, std::int64_t{5});
    const std::vector<double> expected = meanByHand(model, someTokens(5), {1, 1});
    for (std::size_t d = 0; d < expected.size(); ++d)
      QVERIFY(std::abs(double{changes[2].mean[d]} - expected[d]) < 1e-5);
    // Nothing is read where nothing is missing: not even no text is refused.
    QVERIFY(evaluation::measureMeans(decoder, {}, changes, [] { return true; }, {}));
  }

  void stoppedAndRefused() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    reference::ReferenceDecoder decoder(model, {.contextLength = kContext});
    std::vector<model::HeadChange> changes{{{0, 0}, model::HeadOutput::Mean}};
    QVERIFY(!evaluation::measureMeans(decoder, someTokens(5), changes, [] { return true; }, {}));
    QVERIFY(!model::isMeasured(changes[0]));
    QVERIFY_THROWS_EXCEPTION(model::Error, evaluation::measureMeans(decoder, {}, changes, {}, {}));
  }
};

QTEST_GUILESS_MAIN(TestHeadMeans)
#include "tst_head_means.moc"
