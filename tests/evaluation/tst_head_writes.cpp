#include <QTest>
#include <cmath>
#include <memory>
#include <numeric>

#include "core/evaluation/head_survey.h"
#include "core/formats/load_model.h"
#include "core/reference/reference_decoder.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;
using namespace headroom::tests;
using model::CapturePoint;

namespace {

constexpr std::size_t kTokens = 40;
/// Of values that are handed back as floats, and of the device's own.
constexpr double kReferenceLimit = 1e-5;
constexpr double kDeviceLimit = 1e-4;

using Rows = std::vector<std::vector<double>>;  // [position][element]

double dot(const std::vector<double>& one, const std::vector<double>& other) {
  return std::inner_product(one.begin(), one.end(), other.begin(), 0.0);
}

double sumOfDots(const Rows& one, const Rows& other) {
  double sum = 0.0;
  for (std::size_t row = 0; row < one.size(); ++row) sum += dot(one[row], other[row]);
  return sum;
}

/// Elements `first` to `first + count` of the rows at a place of a layer.
Rows rowsAt(const std::vector<model::StepRecord>& records, CapturePoint point, int layer, int first,
            int count) {
  Rows rows;
  for (const model::StepRecord& record : records) {
    const model::Activations& activations = *record.find(point, layer);
    for (int row = 0; row < activations.rowCount; ++row) {
      const auto values =
          activations.row(row).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
      rows.emplace_back(values.begin(), values.end());
    }
  }
  return rows;
}

/// W_O[head] z at each position behind the first.
Rows writtenBy(const std::vector<model::StepRecord>& records, const model::Model& model, int layer,
               int head) {
  const int headDim = model.config.attention.headDim;
  const model::Tensor& matrix = model.weights.layers[static_cast<std::size_t>(layer)].attentionOutput;
  const std::vector<float> weights = matrix.toFloat();
  const Rows outputs = rowsAt(records, CapturePoint::HeadOutputs, layer, head * headDim, headDim);
  Rows written;
  for (std::size_t position = 1; position < outputs.size(); ++position) {
    written.emplace_back();
    for (std::int64_t row = 0; row < matrix.rows; ++row) {
      double sum = 0.0;
      for (int element = 0; element < headDim; ++element) {
        sum += static_cast<double>(
                   weights[static_cast<std::size_t>(row * matrix.columns + head * headDim + element)]) *
               outputs[position][static_cast<std::size_t>(element)];
      }
      written.back().push_back(sum);
    }
  }
  return written;
}

Rows centred(Rows rows) {
  std::vector<double> means(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < means.size(); ++i) means[i] += row[i] / static_cast<double>(rows.size());
  }
  for (auto& row : rows) {
    for (std::size_t i = 0; i < means.size(); ++i) row[i] -= means[i];
  }
  return rows;
}

/// By products of positions, not of elements.
double ckaOf(const Rows& first, const Rows& second) {
  const Rows one = centred(first), other = centred(second);
  double cross = 0.0, ofOne = 0.0, ofOther = 0.0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    for (std::size_t j = 0; j < one.size(); ++j) {
      const double k = dot(one[i], one[j]), l = dot(other[i], other[j]);
      cross += k * l;
      ofOne += k * k;
      ofOther += l * l;
    }
  }
  return cross / std::sqrt(ofOne * ofOther);
}

}  // namespace

/// What heads of other people's checkpoints write, and how alike keys and values are, against sums over every
/// position of what the reference captures.
class TestHeadWrites : public QObject {
  Q_OBJECT

 private:
  VulkanDevice m_gpu;

  static void check(const model::Model& model, model::Decoder& decoder, double limit) {
    std::vector<int> tokens;
    for (std::size_t i = 0; i < kTokens; ++i)
      tokens.push_back(static_cast<int>(i * 53 + i * i * 7 + 5) % model.config.vocabSize);
    const evaluation::RepeatedTokens repeated{.length = 6, .draws = 1};
    const analysis::HeadSurvey survey =
        evaluation::surveyHeads(decoder, tokens, repeated, [] { return false; }, {}, {.model = &model});

    const model::AttentionShape& heads = model.config.attention;
    std::vector<int> layers(static_cast<std::size_t>(model.config.layerCount));
    std::iota(layers.begin(), layers.end(), 0);
    model::Capture capture;
    for (const CapturePoint point :
         {CapturePoint::HeadOutputs, CapturePoint::Residual, CapturePoint::Keys, CapturePoint::Values})
      capture.activations.push_back({point, layers});
    const auto records = reference::ReferenceDecoder(model, {}).run(tokens, capture);
    const auto compare = [&](double actual, double expected, const char* what, int layer, int head) {
      QVERIFY2(std::abs(actual - expected) <= limit * std::max(1.0, std::abs(expected)),
               qPrintable(QString("%1 of L%2H%3: %4, expected %5")
                              .arg(what)
                              .arg(layer)
                              .arg(head)
                              .arg(actual)
                              .arg(expected)));
    };
    for (const int layer : layers) {
      std::vector<Rows> written;
      for (int head = 0; head < heads.queryHeadCount; ++head)
        written.push_back(writtenBy(records, model, layer, head));
      Rows all(kTokens - 1, std::vector<double>(static_cast<std::size_t>(model.config.modelDim)));
      for (const Rows& rows : written) {
        for (std::size_t position = 0; position < all.size(); ++position) {
          for (std::size_t i = 0; i < all[position].size(); ++i) all[position][i] += rows[position][i];
        }
      }
      Rows stream = rowsAt(records, CapturePoint::Residual, layer, 0, model.config.modelDim);
      stream.erase(stream.begin());
      double shares = 0.0;
      for (int head = 0; head < heads.queryHeadCount; ++head) {
        const Rows& own = written[static_cast<std::size_t>(head)];
        const analysis::HeadSurvey::Head& found =
            survey.heads[static_cast<std::size_t>(layer * heads.queryHeadCount + head)];
        for (int other = 0; other < heads.queryHeadCount; ++other) {
          const Rows& its = written[static_cast<std::size_t>(other)];
          compare(survey.outputCosines.between(layer, head, other),
                  sumOfDots(own, its) / std::sqrt(sumOfDots(own, own) * sumOfDots(its, its)), "cosine", layer,
                  head);
        }
        if (model.config.traits.branchNorms) {
          QVERIFY(std::isnan(found.writeShare) && std::isnan(found.writeSize));
          continue;
        }
        compare(found.writeShare, sumOfDots(own, all) / sumOfDots(all, all), "share", layer, head);
        compare(found.writeSize, std::sqrt(sumOfDots(own, own) / sumOfDots(stream, stream)), "size", layer,
                head);
        shares += found.writeShare;
      }
      if (!model.config.traits.branchNorms) compare(shares, 1.0, "sum of shares", layer, 0);
      for (int head = 0; heads.kvHeadCount > 1 && head < heads.kvHeadCount; ++head) {
        for (int other = 0; other < heads.kvHeadCount; ++other) {
          const auto expected = [&](CapturePoint point) {
            return ckaOf(rowsAt(records, point, layer, head * heads.headDim, heads.headDim),
                         rowsAt(records, point, layer, other * heads.headDim, heads.headDim));
          };
          compare(survey.keyCka.between(layer, head, other), expected(CapturePoint::Keys), "keys", layer,
                  head);
          compare(survey.valueCka.between(layer, head, other), expected(CapturePoint::Values), "values",
                  layer, head);
        }
      }
    }
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  void asCaptured_data() {
    QTest::addColumn<QString>("folder");
    QTest::newRow("MHA, LayerNorm, biases") << "gpt2-MHA";
    QTest::newRow("MHA, parallel block") << "gptneox-MHA";
    QTest::newRow("GQA") << "qwen2-GQA";
    QTest::newRow("GQA, a norm behind W_O") << "gemma2-GQA";
    QTest::newRow("MQA") << "llama-mqa-hd-MQA";
  }
  void asCaptured() {
    QFETCH(QString, folder);
    std::string path;
    try {
      path = fixturePath("checkpoints2/" + folder.toStdString());
    } catch (const std::runtime_error&) {
      QSKIP("The fixtures are not here: put them at ../shared/fixtures or set HEADROOM_FIXTURES.");
    }
    const model::Model model = formats::loadModel(path);
    reference::ReferenceDecoder host(model, {});
    check(model, host, kReferenceLimit);
    if (QTest::currentTestFailed()) return;
    UploadedDecoder device(m_gpu.device, model, {});
    check(model, device, kDeviceLimit);
  }
};

QTEST_APPLESS_MAIN(TestHeadWrites)
#include "tst_head_writes.moc"
