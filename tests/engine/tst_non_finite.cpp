#include <fmt/format.h>

#include <QTemporaryDir>
#include <QTest>
#include <cmath>
#include <limits>

#include "core/formats/gguf/gguf_model.h"
#include "core/formats/gguf/gguf_writer.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "tests/engine/kernel_harness.h"
#include "tests/support/edited_model.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using model::Capture;
using model::KernelFamily;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// A weight that is made NaN, and the stage that then is the first to give NaN.
struct Poison {
  const char* name;
  model::Tensor& (*tensor)(model::Weights&);
  const char* where;
};

const Poison kPoisons[] = {
    {"embedding", [](model::Weights& w) -> model::Tensor& { return w.tokenEmbedding; }, "embedding is"},
    {"query of layer 0", [](model::Weights& w) -> model::Tensor& { return w.layers[0].query; },
     "qkv_projection of layer 0"},
    {"key of layer 1", [](model::Weights& w) -> model::Tensor& { return w.layers[1].key; },
     "qkv_projection of layer 1"},
    {"value of layer 1", [](model::Weights& w) -> model::Tensor& { return w.layers[1].value; },
     "qkv_projection of layer 1"},
    {"attention output of layer 1",
     [](model::Weights& w) -> model::Tensor& { return w.layers[1].attentionOutput; },
     "attention_output of layer 1"},
    {"gate of layer 0", [](model::Weights& w) -> model::Tensor& { return w.layers[0].ffnGate; },
     "ffn_gate_up of layer 0"},
    {"down of layer 1", [](model::Weights& w) -> model::Tensor& { return w.layers[1].ffnDown; },
     "ffn_down of layer 1"},
    {"output", [](model::Weights& w) -> model::Tensor& { return w.output; }, "logits is"},
};

std::string sentenceOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const model::Error& error) {
    return error.what();
  }
  return "no error was thrown";
}

}  // namespace

/// A step whose logits are not finite stops its lane, and says in which stage and layer it began.
class TestNonFinite : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  static void checkSentence(const std::string& sentence, const std::vector<std::string>& fragments) {
    for (const std::string& fragment : fragments)
      QVERIFY2(sentence.find(fragment) != std::string::npos, (sentence + " / " + fragment).c_str());
  }

  /// Runs `tokens` singly, the last of which must fail as `fragments` say, and goes on as if it had not been.
  static void checkStop(model::Decoder& decoder, std::span<const int> tokens,
                        const std::vector<std::string>& fragments) {
    const auto before = tokens.first(tokens.size() - 1);
    for (const int& token : before) decoder.run(std::span(&token, 1), Capture::everything());
    const std::vector<float> logits(decoder.logits().begin(), decoder.logits().end());
    checkSentence(sentenceOf([&] { decoder.run(tokens.last(1), Capture::everything()); }), fragments);
    QCOMPARE(decoder.position(), static_cast<int>(before.size()));
    QVERIFY(std::ranges::equal(decoder.logits(), logits));
    const int other = 9;
    const auto records = decoder.run(std::span(&other, 1), Capture::none());
    QCOMPARE(records.front().position, static_cast<int>(before.size()));
    QVERIFY(std::ranges::all_of(decoder.logits(), [](float logit) { return std::isfinite(logit); }));
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// Fails where another stage or layer than the first is named, in any decoder.
  void theFirstStageIsNamed_data() {
    QTest::addColumn<int>("index");
    QTest::addColumn<KernelFamily>("family");
    for (int index = 0; index < static_cast<int>(std::size(kPoisons)); ++index) {
      QTest::addRow("%s, reference", kPoisons[index].name) << index << KernelFamily::Automatic;
      for (KernelFamily family : kFamilies) {
        QTest::addRow("%s, %s", kPoisons[index].name, std::string(shortName(family)).c_str())
            << index << family;
      }
    }
  }
  void theFirstStageIsNamed() {
    QFETCH(int, index);
    QFETCH(KernelFamily, family);
    const Poison& poison = kPoisons[index];
    EditableModel edited{randomModel(smallConfig({4, 2, 16}), Output::Separate)};
    edited.fill(poison.tensor(edited.model.weights), kNan);
    const auto check = [&](model::Decoder& decoder) {
      const std::vector<int> tokens{1, 2, 3};
      for (const std::size_t count : {std::size_t{1}, tokens.size()}) {  // a step, and a prefill
        checkSentence(sentenceOf([&] { decoder.run(std::span(tokens).first(count), Capture::none()); }),
                      {poison.where, "is the first stage that gave NaN"});
        QCOMPARE(decoder.position(), 0);
      }
    };
    if (family == KernelFamily::Automatic) {
      reference::ReferenceDecoder decoder(edited.model, {});
      check(decoder);
    } else {
      UploadedDecoder decoder(m_gpu.device, edited.model, {.kernels = {.family = family}});
      check(decoder);
      if (!decoder.decodesAhead()) return;
      // Nothing to go on with came back, and the next step tells.
      QCOMPARE(decoder.decodeAhead(1, 3), std::vector<int>());
      check(decoder);
    }
  }

  /// The weights of a file that loads: finite, and too large for what the shaders compute in.
  void finiteWeightsThatOverflow_data() {
    QTest::addColumn<KernelFamily>("family");
    QTest::addColumn<int>("batch");
    QTest::newRow("packed") << KernelFamily::Packed << 1;
    QTest::newRow("packed, batch 3") << KernelFamily::Packed << 3;
    QTest::newRow("rows") << KernelFamily::Rows << 1;
  }
  void finiteWeightsThatOverflow() {
    QFETCH(KernelFamily, family);
    QFETCH(int, batch);
    QTemporaryDir folder;
    const std::string path = folder.filePath("overflows.gguf").toStdString();
    {
      const EditableModel edited = overflowingModel();
      formats::writeGguf({.config = edited.model.config, .weights = edited.model.weights}, path,
                         model::Storage::F32);
    }
    const model::Model model = formats::loadGguf(path);
    UploadedDecoder decoder(m_gpu.device, model, {.batch = batch, .kernels = {.family = family}});
    checkStop(decoder, std::vector<int>{1, 2, 3, kPoison},
              {"after position 3", "ffn_gate_up of layer 1", "infinity where a finite number was expected"});
    // As a prefill, of which position 2 is the first that overflows.
    decoder.truncate(0);
    const std::vector<int> prompt{1, 2, kPoison, 3, kPoison};
    checkSentence(sentenceOf([&] { decoder.run(prompt, Capture::none()); }),
                  {"after position 2", "ffn_gate_up of layer 1"});
    QCOMPARE(decoder.position(), 0);
  }

  /// Keys beyond 65,504 do not fit a half, in either decoder.
  void aHalfCacheThatOverflows() {
    EditableModel edited{randomModel(smallConfig({4, 2, 16}), Output::Separate)};
    for (float& value : edited.edit(edited.model.weights.layers[1].value)) value *= 1e7f;
    UploadedDecoder onDevice(m_gpu.device, edited.model, {.kvType = model::KvType::F16});
    reference::ReferenceDecoder reference(edited.model, {.kvType = model::KvType::F16});
    for (model::Decoder* decoder : std::initializer_list<model::Decoder*>{&onDevice, &reference}) {
      const int token = 1;
      const std::string sentence = sentenceOf([&] { decoder->run(std::span(&token, 1), Capture::none()); });
      checkSentence(sentence, {"qkv_projection of layer 1", "infinity"});
    }
  }

  /// What a double holds may be too large for a logit.
  void logitsOfTheReferenceThatOverflow() {
    EditableModel edited{randomModel(smallConfig({4, 2, 16}), Output::Separate)};
    edited.fill(edited.model.weights.output, 3e38f);
    edited.fill(edited.model.weights.outputNorm, 1e3f);
    reference::ReferenceDecoder decoder(edited.model, {});
    const int token = 1;
    checkSentence(sentenceOf([&] { decoder.run(std::span(&token, 1), Capture::none()); }),
                  {"logits is the first stage", "infinity"});
  }
};

QTEST_GUILESS_MAIN(TestNonFinite)
#include "tst_non_finite.moc"
