#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>
#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

#include "core/model/error.h"
#include "core/vulkan/check.h"
#include "tests/support/fault_control.h"
#include "tests/support/random_model.h"
#include "tests/support/uploaded_decoder.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;
namespace fs = std::filesystem;

namespace {

/// What a run said: no sentence when it went through.
struct Outcome {
  QString sentence;
  QString validation;
};

/// What a call may return when it fails, by the Vulkan specification.
std::vector<VkResult> failuresOf(const QString& function) {
  static const QStringList reportLoss{"vkQueueSubmit", "vkWaitForFences", "vkDeviceWaitIdle",
                                      "vkGetQueryPoolResults"};
  std::vector<VkResult> results{VK_ERROR_OUT_OF_HOST_MEMORY, VK_ERROR_OUT_OF_DEVICE_MEMORY};
  if (reportLoss.contains(function)) results.push_back(VK_ERROR_DEVICE_LOST);
  if (function == "vkWaitForFences") results.push_back(VK_TIMEOUT);
  if (function == "vkCreateInstance" || function == "vkCreateDevice")
    results[1] = VK_ERROR_INITIALIZATION_FAILED;
  if (function == "vkMapMemory") results.push_back(VK_ERROR_MEMORY_MAP_FAILED);
  return results;
}

/// Faults that cost nothing but time: the run goes through.
bool isHarmless(const QString& function, VkResult result) {
  if (function == "vkCreatePipelineCache") return true;   // tried again without what was kept
  if (function == "vkGetPipelineCacheData") return true;  // compiled anew next time
  if (function == "vkDeviceWaitIdle") return true;        // at the end, when there is nothing left to do
  return result == VK_TIMEOUT;                            // waits on
}

}  // namespace

/// Every Vulkan call that a decoder makes fails once, at its first, a middle and its last call: one sentence,
/// nothing left behind, and the next decoder works.
class TestFaults : public QObject {
  Q_OBJECT

  tests::FaultControl m_faults;
  QTemporaryDir m_cache;
  model::Model m_model;
  std::vector<float> m_expected;

  /// Opens a model on a new device, prefills, decodes and replays; the logits are compared with the first
  /// run's.
  Outcome run() {
    Outcome outcome;
    try {
      const vulkan::Instance instance(vulkan::Validation::On);
      try {
        vulkan::Device device(instance, vulkan::chooseDevice(instance, ""), m_cache.path().toStdString());
        tests::UploadedDecoder decoder(device, m_model, {});
        const std::vector<int> prompt{1, 2, 3, 4, 5, 6, 7};
        decoder.run(prompt, model::Capture::everything());
        const int token = 8;
        decoder.run(std::span(&token, 1), model::Capture::everything());
        decoder.replay(2, std::span(prompt).subspan(2, 3), model::Capture::everything());
        if (m_expected.empty()) m_expected.assign(decoder.logits().begin(), decoder.logits().end());
        if (!std::ranges::equal(m_expected, decoder.logits())) outcome.sentence = "other logits";
      } catch (const model::Error& error) {
        outcome.sentence = error.what();
      } catch (const vulkan::Error& error) {
        outcome.sentence = error.what();
      }
      for (const std::string& error : instance.validationErrors()) {
        // What the loader itself says of the fault.
        if (error.find("Failed to create device chain") != std::string::npos) continue;
        outcome.validation += QString::fromStdString(error);
      }
    } catch (const vulkan::Error& error) {
      outcome.sentence = error.what();
    }
    return outcome;
  }

 private slots:
  void initTestCase() {
    m_model = tests::randomModel(tests::smallConfig({4, 2, 16}), tests::Output::Tied);
    QVERIFY(run().sentence.isEmpty());  // the layer is loaded with the first instance
    QVERIFY(m_faults.load());
  }

  void everyCallFails_data() {
    QTest::addColumn<int>("result");
    QTest::addColumn<QList<quint64>>("calls");
    m_faults.clear();
    QVERIFY(run().sentence.isEmpty());
    for (const QString& function : m_faults.functions()) {
      const quint64 count = m_faults.calls(function);
      if (count == 0) continue;
      if (function == "vkGetPhysicalDeviceQueueFamilyProperties") continue;  // cannot fail: see tst_devices
      QList<quint64> calls{1};
      if (count > 2) calls.append((count + 1) / 2);
      if (count > 1) calls.append(count);
      for (const VkResult result : failuresOf(function)) {
        QTest::newRow(qPrintable(QString("%1 %2").arg(function).arg(static_cast<int>(result))))
            << static_cast<int>(result) << calls;
      }
    }
  }
  void everyCallFails() {
    QFETCH(int, result);
    QFETCH(QList<quint64>, calls);
    const QString function = QString(QTest::currentDataTag()).section(' ', 0, 0);
    for (const quint64 call : calls) {
      const auto failure = static_cast<VkResult>(result);
      m_faults.inject(function, call, failure);
      const Outcome outcome = run();
      const QString where = QString("call %1: %2").arg(call).arg(outcome.sentence + outcome.validation);
      QVERIFY2(m_faults.fired(), qPrintable(where));
      QVERIFY2(outcome.validation.isEmpty(), qPrintable(where));
      if (isHarmless(function, failure)) {
        QVERIFY2(outcome.sentence.isEmpty(), qPrintable(where));
        continue;
      }
      // One sentence with what was tried and what happened.
      QVERIFY2(outcome.sentence.startsWith("Could not "), qPrintable(where));
      QVERIFY2(outcome.sentence.endsWith(")."), qPrintable(where));
      if (failure == VK_ERROR_DEVICE_LOST) QVERIFY2(outcome.sentence.contains("was lost"), qPrintable(where));
      if (failure == VK_ERROR_OUT_OF_DEVICE_MEMORY)
        QVERIFY2(outcome.sentence.contains("out of memory"), qPrintable(where));
    }
    m_faults.clear();
    const Outcome afterwards = run();
    QCOMPARE(afterwards.sentence + afterwards.validation, QString());
  }

  /// The table of the layer has every checked call of the sources.
  void theLayerKnowsEveryCall() {
    const QStringList known = m_faults.functions();
    const QRegularExpression checked(R"((?:check\(|[^a-z]result = |\w+ \(|if \()\s*(vk[A-Z]\w+)\()");
    std::set<QString> called;
    for (const char* folder : {"/core/vulkan", "/core/engine"}) {
      for (const auto& file : fs::directory_iterator(std::string(HEADROOM_SOURCE_DIR) + folder)) {
        std::ifstream stream(file.path());
        const QString text = QString::fromStdString({std::istreambuf_iterator<char>(stream), {}});
        for (auto match = checked.globalMatch(text); match.hasNext();)
          called.insert(match.next().captured(1));
      }
    }
    QVERIFY(called.size() > 20);
    called.erase("vkEnumerateInstanceLayerProperties");  // the loader's own answer, which passes no layer
    // Mesa's own layer calls this one below ours, and crashes where it fails.
    called.erase("vkEnumerateDeviceExtensionProperties");
    for (const QString& function : called) QVERIFY2(known.contains(function), qPrintable(function));
  }
};

int main(int argc, char** argv) {
  tests::FaultControl::enable();
  QCoreApplication application(argc, argv);
  TestFaults test;
  return QTest::qExec(&test, argc, argv);
}
#include "tst_faults.moc"
