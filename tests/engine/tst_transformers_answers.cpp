#include <fmt/format.h>

#include <QTest>
#include <filesystem>

#include "core/formats/load_model.h"
#include "core/formats/npy.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "tests/engine/kernel_harness.h"
#include "tests/support/edited_model.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using formats::NpyArray;
using model::Capture;
using model::KernelFamily;

namespace {

/// Against transformers in float64 on the same weights; its answers are stored as float32. Seen: at most
/// 4.9e-7.
constexpr double kReferenceLimit = 1e-6;
/// Of single attention weights, by which a float32 decoder may differ.
constexpr double kAttentionLimit = 1e-5;
/// Tokens of attention.npy, hidden.npy and ablation.npy.
constexpr std::size_t kCaptured = 24;

/// Folders of checkpoints2/ that load.
const char* const kFolders[] = {
    "falcon-mqa-MQA",     "gemma-MQA",     "gemma2-GQA",       "gpt2-MHA",       "gptbigcode-mqa-MQA",
    "gptneox-MHA",        "llama-gqa-GQA", "llama-mqa-hd-MQA", "llama-yarn-MHA", "llama3-scaled-GQA",
    "mistral-window-GQA", "phi2-MHA",      "phi3-GQA",         "qwen2-GQA",      "qwen3-GQA",
    "stablelm-GQA",       "starcoder2-GQA"};

/// A fixture, or an empty path when there are no fixtures here.
std::string folderOf(const std::string& name) {
  try {
    return fixturePath("checkpoints2/" + name);
  } catch (const std::runtime_error&) {
    return {};
  }
}

std::vector<int> tokensOf(const std::string& folder) {
  return readIds(readText(folder + "/tokens.txt"));
}

/// Zeroes what one query head adds: its columns of W_O.
EditableModel withoutHead(const std::string& folder, int layer, int head) {
  EditableModel edited{formats::loadModel(folder)};
  const auto headDim = static_cast<std::size_t>(edited.model.config.attention.headDim);
  model::Tensor& output = edited.model.weights.layers[static_cast<std::size_t>(layer)].attentionOutput;
  const std::span<float> values = edited.edit(output);
  for (std::size_t row = 0; row < static_cast<std::size_t>(output.rows); ++row) {
    std::ranges::fill(values.subspan(row * static_cast<std::size_t>(output.columns) +
                                         static_cast<std::size_t>(head) * headDim,
                                     headDim),
                      0.0f);
  }
  return edited;
}

/// The final norm of each row of `stream`, [rows][modelDim], in double.
void normalise(std::vector<float>& stream, const model::Model& model) {
  const auto columns = static_cast<std::size_t>(model.config.modelDim);
  const bool centred = model.config.traits.norm == model::Norm::Layer;
  const std::vector<float> gain = model.weights.outputNorm.toFloat();
  std::vector<float> bias = model.weights.outputNormBias.toFloat();
  bias.resize(columns);
  for (std::size_t first = 0; first < stream.size(); first += columns) {
    const std::span<float> row = std::span(stream).subspan(first, columns);
    double mean = 0.0;
    for (const float value : row)
      mean += centred ? static_cast<double>(value) / static_cast<double>(columns) : 0.0;
    double squares = 0.0;
    for (const float value : row) squares += (value - mean) * (value - mean);
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(columns) +
                                         static_cast<double>(model.config.normEpsilon));
    for (std::size_t i = 0; i < columns; ++i) {
      row[i] = static_cast<float>(scale * (row[i] - mean) * static_cast<double>(gain[i]) +
                                  static_cast<double>(bias[i]));
    }
  }
}

}  // namespace

/// Every model type against the answers of Hugging Face's transformers, which share nothing with this
/// project's table of architectures: logits, attention, the residual stream, and the logits without each
/// head.
class TestTransformersAnswers : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  static void check(std::span<const float> actual, std::span<const double> expected, double limit,
                    const std::string& what) {
    const double error = relativeError(actual, expected);
    QVERIFY2(error <= limit, fmt::format("{}: {:.1e}, limit {:.0e}", what, error, limit).c_str());
  }

  /// Logits of all tokens in one prefill and one by one, and the attention of the first.
  static void compare(model::Decoder& decoder, const std::string& folder, double limit) {
    const std::vector<int> tokens = tokensOf(folder);
    const NpyArray logits = formats::readNpy(folder + "/logits.npy");
    check(model::allLogits(decoder.run(tokens, Capture::none(), model::LogitsRequest::all())), logits.values,
          limit, "logits, prefill");
    decoder.truncate(0);
    std::vector<float> steps;
    for (const int& token : tokens) {
      decoder.run(std::span(&token, 1), Capture::none());
      steps.insert(steps.end(), decoder.logits().begin(), decoder.logits().end());
    }
    check(steps, logits.values, limit, "logits, token by token");
    qInfo("logits: %.1e", relativeError<float, double>(steps, logits.values));

    const NpyArray attention = formats::readNpy(folder + "/attention.npy");
    decoder.truncate(0);
    const auto records = decoder.run(std::span(tokens).first(kCaptured), Capture::everything());
    QCOMPARE(records.size(), std::size_t{1});
    const model::AttentionRows& rows = records.front().attention;
    const int heads = decoder.config().attention.queryHeadCount;
    QCOMPARE(attention.shape,
             (std::vector<std::int64_t>{decoder.config().layerCount, heads, kCaptured, kCaptured}));
    double largest = 0.0;
    for (std::size_t index = 0; index < attention.values.size(); ++index) {
      const std::size_t column = index % kCaptured;
      const std::size_t row = index / kCaptured % kCaptured;
      if (column > row) continue;
      const auto layerAndHead = static_cast<int>(index / kCaptured / kCaptured);
      const float weight =
          rows.row(layerAndHead / heads, layerAndHead % heads, static_cast<int>(row))[column];
      largest = std::max(largest, std::abs(static_cast<double>(weight) - attention.values[index]));
    }
    QVERIFY2(largest <= kAttentionLimit, fmt::format("attention: {:.1e}", largest).c_str());
  }

  void addFolders() {
    QTest::addColumn<QString>("folder");
    for (const char* name : kFolders) QTest::newRow(name) << QString::fromStdString(folderOf(name));
  }

 private slots:
  void initTestCase() {
    if (folderOf("").empty())
      QSKIP("The fixtures are not here: put them at ../shared/fixtures or set HEADROOM_FIXTURES.");
  }
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  void theReference_data() { addFolders(); }
  void theReference() {
    QFETCH(QString, folder);
    const model::Model model = formats::loadModel(folder.toStdString());
    reference::ReferenceDecoder decoder(model, {});
    compare(decoder, folder.toStdString(), kReferenceLimit);
  }

  void theShaders_data() {
    QTest::addColumn<QString>("folder");
    QTest::addColumn<KernelFamily>("family");
    for (const char* name : kFolders) {
      for (KernelFamily family : kFamilies) {
        QTest::addRow("%s, %s", name, std::string(shortName(family)).c_str())
            << QString::fromStdString(folderOf(name)) << family;
      }
    }
  }
  void theShaders() {
    QFETCH(QString, folder);
    QFETCH(KernelFamily, family);
    const model::Model model = formats::loadModel(folder.toStdString());
    UploadedDecoder decoder(m_gpu.device, model, {.kernels = {.family = family}});
    compare(decoder, folder.toStdString(), kF32LogitsLimit);
  }

  void theResidualStream_data() { addFolders(); }
  void theResidualStream() {
    QFETCH(QString, folder);
    const std::string path = folder.toStdString();
    const model::Model model = formats::loadModel(path);
    reference::ReferenceDecoder decoder(model, {});
    const std::vector<int> tokens = tokensOf(path);
    std::vector<int> layers;
    for (int layer = 0; layer <= model.config.layerCount; ++layer) layers.push_back(layer);
    const Capture capture{.activations = {{model::CapturePoint::Residual, layers}}};
    const model::StepRecord record =
        decoder.run(std::span(tokens).first(kCaptured), capture, model::LogitsRequest::none()).front();
    const NpyArray hidden = formats::readNpy(path + "/hidden.npy");
    QCOMPARE(hidden.shape,
             (std::vector<std::int64_t>{model.config.layerCount + 1, kCaptured, model.config.modelDim}));
    const std::size_t size = kCaptured * static_cast<std::size_t>(model.config.modelDim);
    for (int layer = 0; layer <= model.config.layerCount; ++layer) {
      const std::span<const double> expected =
          std::span(hidden.values).subspan(static_cast<std::size_t>(layer) * size, size);
      std::vector<float> stream = record.find(model::CapturePoint::Residual, layer)->values;
      // Theirs is given after the final norm, as the output matrix reads it.
      if (layer == model.config.layerCount) normalise(stream, model);
      const double error = relativeError<float, double>(stream, expected);
      QVERIFY2(error <= kReferenceLimit, fmt::format("before layer {}: {:.1e}", layer, error).c_str());
    }
  }

  /// Every layer and head by the reference; by the shaders the first and the last.
  void withoutEachHead_data() { addFolders(); }
  void withoutEachHead() {
    QFETCH(QString, folder);
    const std::string path = folder.toStdString();
    const NpyArray ablation = formats::readNpy(path + "/ablation.npy");
    const std::vector<int> tokens = tokensOf(path);
    const auto first = std::span(tokens).first(kCaptured);
    const auto layers = static_cast<int>(ablation.shape[0]);
    const auto heads = static_cast<int>(ablation.shape[1]);
    const auto vocabSize = static_cast<std::size_t>(ablation.shape[2]);
    for (int index = 0; index < layers * heads; ++index) {
      const EditableModel edited = withoutHead(path, index / heads, index % heads);
      const std::span<const double> expected =
          std::span(ablation.values).subspan(static_cast<std::size_t>(index) * vocabSize, vocabSize);
      const std::string what = fmt::format("without head {} of layer {}", index % heads, index / heads);
      reference::ReferenceDecoder decoder(edited.model, {});
      decoder.run(first, Capture::none());
      check(decoder.logits(), expected, kReferenceLimit, what);
      if (index != 0 && index != layers * heads - 1) continue;
      for (KernelFamily family : kFamilies) {
        UploadedDecoder onDevice(m_gpu.device, edited.model, {.kernels = {.family = family}});
        onDevice.run(first, Capture::none());
        check(onDevice.logits(), expected, kF32LogitsLimit, what + ", " + std::string(shortName(family)));
      }
    }
  }

  /// What is not computed as its authors do is refused, with its name.
  void theOthersAreRefused_data() {
    QTest::addColumn<QString>("folder");
    QTest::addColumn<QString>("fragment");
    QTest::newRow("deepseek2, latent attention") << QString::fromStdString(folderOf("deepseek2-mla-MLA"))
                                                 << "model_type \"deepseek_v2\" is not supported";
    QTest::newRow("gemma3, local layers") << QString::fromStdString(folderOf("gemma3-local-GQA"))
                                          << "model_type \"gemma3_text\" is not supported";
  }
  void theOthersAreRefused() {
    QFETCH(QString, folder);
    QFETCH(QString, fragment);
    try {
      formats::loadModel(folder.toStdString());
      QFAIL("no error was thrown");
    } catch (const model::Error& error) {
      QVERIFY2(QString(error.what()).contains(fragment), error.what());
      QVERIFY2(QString(error.what()).contains("the nearest that is"), error.what());
    }
  }
};

QTEST_GUILESS_MAIN(TestTransformersAnswers)
#include "tst_transformers_answers.moc"
