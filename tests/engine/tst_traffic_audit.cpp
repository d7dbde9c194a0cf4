#include <fmt/format.h>

#include <numeric>
#include <optional>

#include <QTest>

#include "tests/engine/kernel_harness.h"
#include "tests/support/small_tests.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using model::AttentionKernel;
using model::Capture;
using model::KernelFamily;
using model::KvType;
using model::Storage;

namespace {

struct Run {
  AttentionKernel kernel = AttentionKernel::Shared;
  KvType kvType = KvType::F32;
  KernelFamily family = KernelFamily::Packed;
  Storage storage = Storage::F32;
  std::optional<Storage> others = std::nullopt;  ///< of mixedModel()
  int batch = 1;
  int attentionWorkgroups = 0;
  model::AttentionMerging merging = model::AttentionMerging::Automatic;
};

/// The counters of an audit in the words of a failure message.
std::string words(const model::Traffic& traffic) {
  return fmt::format("weights {}, KV read {}, KV written {}, activations read {}, written {}, capture {}",
                     traffic.weightsRead, traffic.kvRead, traffic.kvWritten, traffic.activationsRead,
                     traffic.activationsWritten, traffic.captureWritten);
}

}  // namespace

Q_DECLARE_METATYPE(Run)

/// Declared traffic against what the audit build of every kernel counts with atomics, stage by stage.
class TestTrafficAudit : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  static model::Model makeModel(int queryHeads, int kvHeads, int headDim, Storage storage,
                                std::optional<Storage> others = std::nullopt) {
    model::ModelConfig config = smallConfig({queryHeads, kvHeads, headDim});
    if (model::blockElements(storage) == 256) {  // 3 superblocks: a subgroup's turns end within a row
      config.modelDim = 256;
      config.ffnDim = 768;
    }
    config.contextLength = 900;
    if (others) return mixedModel(config, storage, *others);
    return randomModel(config, Output::Separate, 1, storage);
  }

  /// Runs `tokens` and compares, class by class, each stage of each layer.
  static void compare(UploadedDecoder& decoder, std::span<const int> tokens, const Capture& capture,
                      const char* what, const model::LogitsRequest& logits = {}) {
    const std::vector<model::StepRecord> records = decoder.run(tokens, capture, logits);
    std::vector<model::Traffic> declared(records.front().stages.size());
    for (const model::StepRecord& record : records) {
      for (std::size_t stage = 0; stage < declared.size(); ++stage)
        declared[stage] += record.stages[stage].issued;
    }
    QCOMPARE(decoder.audited().size(), declared.size());
    for (std::size_t stage = 0; stage < declared.size(); ++stage) {
      const model::StageRecord& entry = records.front().stages[stage];
      const std::string text =
          fmt::format("{}, {} of layer {}: declared {}; counted {}", what, stageName(entry.stage),
                      entry.layer, words(declared[stage]), words(decoder.audited()[stage]));
      QVERIFY2(declared[stage] == decoder.audited()[stage], text.c_str());
      QVERIFY(declared[stage].total() > 0);
    }
  }

  void audit(const model::Model& model, const Run& run) {
    UploadedDecoder decoder(m_gpu.device, model,
                            {.kvType = run.kvType,
                             .batch = run.batch,
                             .attention = run.kernel,
                             .kernels = {.family = run.family,
                                         .attentionWorkgroups = run.attentionWorkgroups,
                                         .merging = run.merging}},
                            {.build = engine::KernelBuild::Audit});
    std::vector<int> tokens;
    for (int i = 0; i < 71; ++i) tokens.push_back((i * 53 + 7) % model.config.vocabSize);
    const std::span<const int> all(tokens);
    compare(decoder, all.first(1), Capture::none(), "first token");
    compare(decoder, all.first(70), Capture::everything(), "prefill of two blocks, all captured");
    compare(decoder, all.subspan(70), {.all = true, .queryHeads = {1, 2}}, "step, two heads captured");
    compare(decoder, all.first(6), {.layers = {1}}, "prefill with all logits, one layer captured",
            model::LogitsRequest::all());
    compare(decoder, all.first(5), Capture::none(), "log-probabilities of targets",
            model::LogitsRequest::logProbabilities({3, 1, 4, 1, 5}));
    compare(decoder, all.first(3), Capture::none(), "most likely tokens", model::LogitsRequest::top(7));
    compare(decoder, all.first(1), {.layers = {1}}, "no logits, one layer captured",
            model::LogitsRequest::none());
    decoder.fillCache(845, 3);
    compare(decoder, all.first(1), Capture::none(), "step behind 845 positions");
    compare(decoder, all.first(1), Capture::pooled(64), "step behind 846 positions, pooled capture");
    compare(decoder, all.first(3), Capture::pooled(64), "prefill behind 847 positions, pooled capture");
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  void declaredIsCounted_data() {
    QTest::addColumn<int>("queryHeads");
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("headDim");
    QTest::addColumn<Run>("run");
    struct Heads {
      int queryHeads, kvHeads, headDim;
    };
    for (const Heads& heads : {Heads{4, 4, 16}, Heads{6, 2, 20}, Heads{8, 1, 32}, Heads{17, 1, 4}}) {
      for (AttentionKernel kernel : {AttentionKernel::Shared, AttentionKernel::Naive}) {
        for (KernelFamily family : kFamilies) {
          for (KvType kvType : {KvType::F32, KvType::F16}) {
            if (leavesOutAudit(heads.kvHeads, 1)) continue;
            if (kernel == AttentionKernel::Naive && kvType == KvType::F16 && heads.kvHeads > 1) continue;
            const model::AttentionShape shape{heads.queryHeads, heads.kvHeads, heads.headDim};
            QTest::addRow("%s %d/%dx%d, %s, %s cache, %s", std::string(shortName(shape.kind())).c_str(),
                          heads.queryHeads, heads.kvHeads, heads.headDim,
                          std::string(shortName(kernel)).c_str(), std::string(shortName(kvType)).c_str(),
                          std::string(shortName(family)).c_str())
                << heads.queryHeads << heads.kvHeads << heads.headDim
                << Run{.kernel = kernel, .kvType = kvType, .family = family};
          }
        }
      }
    }
    for (KernelFamily family : kFamilies) {
      const std::string name(shortName(family));
      for (int batch : {2, 3, 8}) {
        if (leavesOutAudit(2, batch)) continue;
        QTest::addRow("GQA batch %d, %s", batch, name.c_str())
            << 4 << 2 << 16 << Run{.family = family, .batch = batch};
      }
      for (Storage storage : {Storage::F16, Storage::Q8_0}) {
        QTest::addRow("MHA %s weights, %s", std::string(shortName(storage)).c_str(), name.c_str())
            << 4 << 4 << 16 << Run{.family = family, .storage = storage};
        QTest::addRow("MQA %s weights, batch 5, %s", std::string(shortName(storage)).c_str(), name.c_str())
            << 4 << 1 << 16 << Run{.kvType = KvType::F16, .family = family, .storage = storage, .batch = 5};
      }
    }
    for (Storage storage : {Storage::BF16, Storage::Q4_0, Storage::Q4_K, Storage::Q5_K, Storage::Q6_K}) {
      if (smallTests()) break;  // the next row has two of them
      const int headDim = model::blockElements(storage) == 256 ? 64 : 16;
      QTest::addRow("GQA %s weights, rows", std::string(shortName(storage)).c_str())
          << 4 << 2 << headDim << Run{.family = KernelFamily::Rows, .storage = storage};
    }
    for (const int kvHeads : {4, 2, 1}) {
      const Run merging{.kvType = kvHeads == 2 ? KvType::F16 : KvType::F32,
                        .family = KernelFamily::Rows,
                        .batch = kvHeads == 2 ? 3 : 1,
                        .attentionWorkgroups = 40,
                        .merging = model::AttentionMerging::LastWorkgroup};
      QTest::addRow("%d KV heads, merged by the last workgroup", kvHeads) << 4 << kvHeads << 16 << merging;
    }
    QTest::addRow("17 query heads, merged by the last workgroup")
        << 17 << 1 << 8
        << Run{.family = KernelFamily::Rows,
               .attentionWorkgroups = 8,
               .merging = model::AttentionMerging::LastWorkgroup};
    QTest::addRow("GQA Q4_K weights, V as Q6_K, rows")
        << 4 << 2 << 64
        << Run{.family = KernelFamily::Rows, .storage = Storage::Q4_K, .others = Storage::Q6_K};
    QTest::addRow("MHA F16 weights, V as Q8_0, packed")
        << 4 << 4 << 16 << Run{.storage = Storage::F16, .others = Storage::Q8_0};
  }
  void declaredIsCounted() {
    QFETCH(int, queryHeads);
    QFETCH(int, kvHeads);
    QFETCH(int, headDim);
    QFETCH(Run, run);
    audit(makeModel(queryHeads, kvHeads, headDim, run.storage, run.others), run);
  }

  void reuseIsOneWhereTheKernelShares_data() {
    QTest::addColumn<KernelFamily>("family");
    for (KernelFamily family : kFamilies)
      QTest::addRow("%s", std::string(shortName(family)).c_str()) << family;
  }
  void reuseIsOneWhereTheKernelShares() {
    QFETCH(KernelFamily, family);
    const model::Model model = makeModel(8, 2, 16, Storage::F32);
    for (AttentionKernel kernel : {AttentionKernel::Shared, AttentionKernel::Naive}) {
      UploadedDecoder decoder(m_gpu.device, model, {.attention = kernel, .kernels = {.family = family}},
                              {.build = engine::KernelBuild::Audit});
      const auto loads = [&](const std::vector<int>& tokens) {
        const model::Traffic logical = decoder.run(tokens, Capture::none()).front().logical();
        std::uint64_t counted = 0;
        for (const model::Traffic& stage : decoder.audited()) counted += stage.kvRead;
        return static_cast<double>(counted) / static_cast<double>(logical.kvRead);
      };
      const double ofStep = kernel == AttentionKernel::Shared ? 1.0 : 4.0;
      // Rows of a short text are taken one by one: 9 keys are loaded 1 + 2 + ... + 9 times over 9.
      QCOMPARE(loads({1, 2, 3, 4, 5, 6, 7, 8, 9}), ofStep * 45.0 / 9.0);
      QCOMPARE(loads({10}), ofStep);
      // Of a long one 16 tokens of 4 heads, or 64 of one, share what they load.
      std::vector<int> text(64);
      std::iota(text.begin(), text.end(), 0);
      const double tiles = kernel == AttentionKernel::Shared ? (26.0 + 42.0 + 58.0 + 74.0) / 74.0 : 4.0;
      const double rows = ofStep * 64.0 * (11.0 + 74.0) / 2.0 / 74.0;
      QCOMPARE(loads(text), family == KernelFamily::Rows ? tiles : rows);
    }
  }
};

QTEST_GUILESS_MAIN(TestTrafficAudit)
#include "tst_traffic_audit.moc"
