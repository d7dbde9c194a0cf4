#include <QTemporaryDir>
#include <QTest>

#include "app/session/diagnostics.h"

using namespace headroom;

class TestDiagnostics : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;

  std::string text(session::PromptText prompt) {
    session::Settings settings(m_folder.filePath("settings.ini"));
    settings.setPrompt("my diary, 3 May");
    settings.setDevice("a device");
    session::TraceStore store;
    model::ModelConfig config;
    config.architecture = "llama";
    config.layerCount = 6;
    config.modelDim = 320;
    config.contextLength = 2048;
    config.attention = {.queryHeadCount = 8, .kvHeadCount = 1, .headDim = 40};
    store.setLanes(1,
                   {{.request = {.source = "/home/someone/models/tiny.gguf"},
                     .title = "tiny f16",
                     .config = config,
                     .kvType = model::KvType::F16,
                     .contextLength = 4096,
                     .batch = 8,
                     .attention = model::AttentionKernel::Naive,
                     .deviceName = "a device",
                     .note = "A note of the decoder.",
                     .contradictions = {"It says 9 heads, its tensors have 8"}}},
                   {{}});
    session::DeviceFacts device{.index = 2, .label = "a device", .type = "software", .driver = "driver 1.2"};
    device.ceilings = {.date = "2026-01-01 10:00",
                       .copy = {{1 << 20, 40.0}, {256 << 20, 20.0}},
                       .read = {{1 << 20, 45.0}, {256 << 20, 25.0}},
                       .coldRead = {{1 << 20, 9.0}},
                       .fmaGflops = 100.0,
                       .emptyDispatchUs = 50.0};
    device.calibrations = {{.shape = "2 layers, d 64",
                            .date = "2026-01-02",
                            .measured = "behind 255 positions",
                            .candidates = {{{.family = model::KernelFamily::Packed}, 1.5}},
                            .plan = {.family = model::KernelFamily::Packed}}};
    return session::diagnosticsText({.program = {"Headroom 9.9"},
                                     .system = "a system",
                                     .devices = {device},
                                     .store = store,
                                     .settings = settings,
                                     .messages = {"It has \"my diary\" in it.", "One \"that is open"},
                                     .home = "/home/someone"},
                                    prompt);
  }

 private slots:
  void whatAReportNeedsIsThere_data() {
    QTest::addColumn<QString>("part");
    for (const char* part :
         {"Headroom 9.9\na system\n", "2: a device\n   type                software, Vulkan",
          ", driver 1.2\n", "cannot decode       it has no compute queue",
          "ceilings            measured on 2026-01-01 10:00\n", " 1.05 MB      45.0\n",
          "  268 MB      20.0\n", "100.0 GFLOP/s, float32\n", "50.0 us with its barrier\n",
          "2 layers, d 64\n", "  calibrated        on 2026-01-02: packed; behind 255 positions\n",
          "   1.500 ms  packed\n", "tiny f16: ~/models/tiny.gguf\n", "8 Q \u2192 1 KV, 6 layers",
          "cache f16, batch 8, context 4096 of 2048 trained, naive kernel, on a device",
          "A note of the decoder.", "It says 9 heads, its tensors have 8", "temperature 0.8",
          "device a device"}) {
      QTest::newRow(part) << QString(part);
    }
  }
  void whatAReportNeedsIsThere() {
    QFETCH(QString, part);
    const std::string whole = text(session::PromptText::LeftOut);
    QVERIFY2(whole.find(part.toStdString()) != std::string::npos, whole.c_str());
  }

  void whatTheUserWroteIsThereOnlyIfHeWantsIt() {
    const std::string without = text(session::PromptText::LeftOut);
    QVERIFY(without.find("diary") == std::string::npos && without.find("that is open") == std::string::npos);
    QVERIFY(without.find("It has \"\u2026\" in it.\nOne \"\u2026\n") != std::string::npos);
    QVERIFY(without.find("prompt as text, 15 bytes, left out") != std::string::npos);
    const std::string with = text(session::PromptText::Included);
    QVERIFY(with.find("prompt as text: my diary, 3 May\n") != std::string::npos);
    QVERIFY(with.find("It has \"my diary\" in it.") != std::string::npos);
  }
};

QTEST_GUILESS_MAIN(TestDiagnostics)
#include "tst_diagnostics.moc"
