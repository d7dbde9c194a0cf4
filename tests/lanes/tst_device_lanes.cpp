#include <QTemporaryDir>
#include <QTest>
#include <filesystem>

#include "core/formats/gguf/gguf_writer.h"
#include "core/lanes/device_lanes.h"
#include "core/model/error.h"
#include "core/vulkan/device.h"
#include "tests/support/random_model.h"

using namespace headroom;

namespace {

/// Counts how often tensors were read: whoever has read one lets it go, by where it begins.
class CountedMemory final : public model::WeightMemory {
 public:
  CountedMemory(std::unique_ptr<model::WeightMemory> owner, std::map<const std::byte*, int>& readings)
      : m_owner(std::move(owner)), m_readings(readings) {}
  void letGo(std::span<const std::byte> bytes) const override { ++m_readings[bytes.data()]; }

 private:
  std::unique_ptr<model::WeightMemory> m_owner;
  std::map<const std::byte*, int>& m_readings;
};

}  // namespace

/// Lanes of files on the device: what they share, and that sharing changes no result.
class TstDeviceLanes : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;

  std::string write(const char* name, int headDim, model::Storage storage = model::Storage::F32) {
    const std::string path = m_folder.filePath(name).toStdString();
    const model::Model model = tests::randomModel(tests::smallConfig({4, 2, headDim}), tests::Output::Tied);
    formats::writeGguf({.config = model.config, .weights = model.weights, .tokenizer = model.tokenizer.get()},
                       path, storage);
    return path;
  }

  static std::vector<float> logitsOf(lanes::LaneEngine& lane) {
    const std::vector<int> tokens{1, 2, 3, 4, 5};
    lane.decoder->run(tokens, model::Capture::none());
    const auto logits = lane.decoder->logits();
    return {logits.begin(), logits.end()};
  }

 private slots:
  void lanesOfOneFileShareItsWeights() {
    const std::string path = write("shared.gguf", 8);
    lanes::DeviceLanes opener;
    int uploads = 0;
    const auto progress = [&](double) { ++uploads; };
    lanes::LaneEngine first = opener.open({path, 0, {}}, progress);
    QVERIFY(uploads > 0);
    uploads = 0;
    lanes::LaneEngine naive = opener.open(
        {path, 1, {.batch = 2, .contextLength = 64, .attention = model::AttentionKernel::Naive}}, progress);
    lanes::LaneEngine half = opener.open({path, 2, {.kvType = model::KvType::F16}}, progress);
    QCOMPARE(uploads, 0);
    QCOMPARE(opener.modelCount(), 1);
    QCOMPARE(&*first.model, &*half.model);

    lanes::DeviceLanes alone;
    lanes::LaneEngine unshared = alone.open({path, 0, {}}, [](double) {});
    const std::vector<float> expected = logitsOf(unshared);
    QCOMPARE(logitsOf(first), expected);
    const std::vector<float> others = logitsOf(naive);
    QCOMPARE(others.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) QVERIFY(std::abs(others[i] - expected[i]) < 1e-4f);
    // Each lane has its own cache: one that is gone leaves the others' as it was.
    naive = {};
    half = {};
    first.decoder->truncate(0);
    QCOMPARE(logitsOf(first), expected);
    QCOMPARE(opener.modelCount(), 1);
    first = {};
    QCOMPARE(opener.modelCount(), 0);
  }

  /// A lane without heads is its model with these heads ablated, beside lanes that have them all; it says so.
  void lanesWithoutHeads() {
    lanes::DeviceLanes opener;
    const std::string path = write("whole.gguf", 8);
    lanes::LaneEngine whole = opener.open({path, 0, {}}, [](double) {});
    lanes::LaneEngine without =
        opener.open({path, 1, {.batch = 2, .changes = {{{0, 1}}, {{1, 3}}}}}, [](double) {});
    QCOMPARE(without.title(), std::string("whole \u00d72 \u2212L0H1 \u2212L1H3"));
    const std::vector<float> all = logitsOf(whole);
    const std::vector<float> fewer = logitsOf(without);
    const model::ModelConfig& config = whole.decoder->config();
    whole.decoder->truncate(0);
    whole.decoder->setInterventions(std::vector{model::HeadIntervention::ablation(0, 1, config),
                                                model::HeadIntervention::ablation(1, 3, config)});
    const std::vector<float> expected = logitsOf(whole);
    QVERIFY(fewer != all);
    for (std::size_t i = 0; i < expected.size(); ++i) QVERIFY(std::abs(fewer[i] - expected[i]) < 1e-5f);
    QVERIFY_THROWS_EXCEPTION(model::Error, opener.open({path, 2, {.changes = {{{0, 4}}}}}, [](double) {}));
  }

  /// The packed family cannot hold a byte of -128: that is looked for once, however often the model is
  /// planned for and however many lanes decode it.
  void blocksAreSearchedOnce() {
    std::map<const std::byte*, int> readings;
    lanes::DeviceLanes opener({.kernels = model::KernelPlan{.family = model::KernelFamily::Packed}});
    const lanes::ModelUse model = opener.keep("counted", [&] {
      model::Model counted =
          tests::randomModel(tests::smallConfig({4, 2, 16}), tests::Output::Tied, 1, model::Storage::Q8_0);
      counted.memory = std::make_unique<CountedMemory>(std::move(counted.memory), readings);
      return counted;
    });
    const auto everyMatrixWasRead = [&](int times) {
      int matrices = 0;
      for (const model::Tensor* tensor : model->weights.stored()) {
        if (tensor->storage != model::Storage::Q8_0) continue;
        ++matrices;
        if (readings[tensor->bytes.data()] != times) return false;
      }
      return matrices > 10;
    };
    for (const int context : {64, 128}) QVERIFY(opener.outlook(model, {.contextLength = context}).memory);
    QVERIFY(everyMatrixWasRead(1));
    const lanes::LaneEngine first = opener.decode(opener.share(model), {});
    const lanes::LaneEngine second = opener.decode(opener.share(model), {.batch = 2});
    QVERIFY(everyMatrixWasRead(2));  // and once for the upload
  }

  /// What is announced of a lane is what it takes, alone and beside another on the same weights.
  void theOutlookIsWhatIsDecodedWith() {
    lanes::DeviceLanes opener;
    const std::string warmsUp = write("warms_up.gguf", 16);
    for (int i = 0; i < 4; ++i) opener.decode(opener.load(warmsUp), {});  // makes what all uploads share
    const std::string path = write("outlook.gguf", 8);
    const lanes::ModelUse model = opener.load(path);
    std::vector<lanes::LaneEngine> lanes;
    for (const lanes::LaneOptions& options :
         {lanes::LaneOptions{}, lanes::LaneOptions{.kvType = model::KvType::F16, .batch = 3}}) {
      const analysis::MemoryOutlook outlook = opener.outlook(model, options).memory.value();
      const std::uint64_t before = opener.device().requestedBytes();
      lanes.push_back(opener.decode(opener.share(model), options));
      const analysis::MemoryOutlook& real = lanes.back().memory.value();
      QCOMPARE(outlook.need.total(), real.need.total());
      QCOMPARE(outlook.contextLength, lanes.back().decoder->options().contextLength);
      QVERIFY(outlook.fits());
      const std::uint64_t there = lanes.size() == 1 ? 0 : real.need.weights;
      QCOMPARE(opener.device().requestedBytes() - before, real.need.total() - there);
    }
  }

  void aChangedFileIsAnotherModel() {
    const std::string path = write("changing.gguf", 8);
    lanes::DeviceLanes opener;
    const lanes::LaneEngine before = opener.open({path, 0, {}}, [](double) {});
    write("changing.gguf", 8, model::Storage::F16);
    std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(2));
    const lanes::LaneEngine after = opener.open({path, 1, {}}, [](double) {});
    QCOMPARE(opener.modelCount(), 2);
    QCOMPARE(before.model->storageName, std::string("F32"));
    QCOMPARE(after.model->storageName, std::string("F16"));
  }

  void cancellingLeavesNothing() {
    const std::string path = write("cancelled.gguf", 8);
    lanes::DeviceLanes opener;
    QVERIFY_THROWS_EXCEPTION(model::Cancelled,
                             opener.open({path, 0, {}}, [](double) { throw model::Cancelled("enough"); }));
    QCOMPARE(opener.modelCount(), 0);
    lanes::LaneEngine lane = opener.open({path, 0, {}}, [](double) {});
    QVERIFY(!logitsOf(lane).empty());
  }

  /// From the first bytes that are checked to the last that are copied it grows, and can be ended.
  void checkingAFileCanBeCancelled() {
    const std::string path = write("checked.gguf", 8);
    lanes::DeviceLanes opener;
    std::vector<double> shares;
    opener.open({path, 0, {}}, [&](double share) { shares.push_back(share); });
    QVERIFY(std::ranges::is_sorted(shares));
    QVERIFY(shares.front() < 0.5);
    QVERIFY(shares.back() > 0.9);  // vectors go up with the matrices that they belong to, untold
    for (const double end : {shares.front(), 0.49, 0.51}) {
      QVERIFY_THROWS_EXCEPTION(model::Cancelled, opener.open({path, 0, {}}, [&](double share) {
        if (share >= end) throw model::Cancelled("enough");
      }));
      QCOMPARE(opener.modelCount(), 0);
    }
  }

  void whatTheShadersCannotRunGetsTheReferenceWithANote() {
    const std::string path = write("six.gguf", 6);
    lanes::DeviceLanes opener;
    const lanes::LaneEngine lane = opener.open({path, 0, {}}, [](double) {});
    QVERIFY(lane.decoder->note().find("head_dim 6") != std::string::npos);
    QVERIFY(!lane.memory);
  }

  void theReferenceHasNoDevice() {
    QVERIFY_THROWS_EXCEPTION(model::Error,
                             lanes::DeviceLanes({.backend = lanes::Backend::Reference, .device = "0"}));
  }
};

QTEST_GUILESS_MAIN(TstDeviceLanes)
#include "tst_device_lanes.moc"
