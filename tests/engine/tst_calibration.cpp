#include <QTemporaryDir>
#include <QTest>
#include <filesystem>
#include <fstream>

#include "core/engine/calibration.h"
#include "core/engine/probes.h"
#include "core/formats/kept/calibration_file.h"
#include "core/reference/reference_decoder.h"
#include "tests/engine/kernel_harness.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using model::Calibration;
using model::KernelFamily;

/// Calibration on this device, and what is kept of it.
class TestCalibration : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  static Calibration someCalibration() {
    const model::KernelPlan plan{.family = KernelFamily::Rows,
                                 .invocations = 128,
                                 .attentionWorkgroups = 32,
                                 .merging = model::AttentionMerging::LastWorkgroup};
    return {.device = "a device",
            .driver = "a driver 1.0",
            .shape = "a shape",
            .date = "2026-11-22 09:30",
            .measured = "something",
            .candidates = {{{.family = KernelFamily::Packed, .rowBlocks = 4, .attentionWorkgroups = 4}, 2.5},
                           {plan, 1.25}},
            .plan = plan};
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  void triesBothFamiliesAndPicksAMeasuredPlan() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    const Calibration calibration = engine::calibrate(m_gpu.device, model);
    QCOMPARE(calibration.device, m_gpu.device.info().name);
    bool chosen = false;
    bool families[3] = {};
    for (const Calibration::Candidate& candidate : calibration.candidates) {
      QVERIFY(candidate.stepMs > 0.0);
      chosen = chosen || candidate.plan == calibration.plan;
      families[static_cast<int>(candidate.plan.family)] = true;
    }
    QVERIFY(chosen);
    QVERIFY(families[static_cast<int>(KernelFamily::Packed)] &&
            families[static_cast<int>(KernelFamily::Rows)]);
    const UploadedDecoder decoder(m_gpu.device, model, {.kernels = calibration.plan});
    QVERIFY(decoder.shape().plan == calibration.plan);
  }

  /// What lies on the device stays as it is: only what works with that is tried.
  void triesWhatWorksWithTheMatricesAsTheyLie_data() {
    QTest::addColumn<QString>("plan");
    QTest::addColumn<int>("candidates");
    QTest::newRow("packed") << "packed,attentionWorkgroups=4" << 3;
    QTest::newRow("rows") << "rows,invocations=256,attentionWorkgroups=4" << 7;
    QTest::newRow("one workgroup") << "packed,attentionWorkgroups=1" << 2;
  }
  void triesWhatWorksWithTheMatricesAsTheyLie() {
    QFETCH(QString, plan);
    QFETCH(int, candidates);
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    const engine::DeviceModel uploaded(m_gpu.device, model, model::parsePlan(plan.toStdString()));
    const Calibration calibration = engine::calibrate(uploaded, model, {});
    QCOMPARE(calibration.shape, model::shapeText(model));
    QCOMPARE(static_cast<int>(calibration.candidates.size()), candidates);
    QVERIFY(calibration.candidates.front().plan == uploaded.plan());
    for (const Calibration::Candidate& candidate : calibration.candidates) {
      QVERIFY(candidate.stepMs > 0.0);
      QVERIFY(uploaded.planFor(candidate.plan) == candidate.plan);
    }
  }

  void whereStepsTakeLongOnlyThePlanThatThereIsIsTimed() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    const engine::DeviceModel uploaded(m_gpu.device, model);
    const Calibration calibration = engine::calibrate(uploaded, model, {.seconds = 1e-6});
    QCOMPARE(calibration.candidates.size(), std::size_t{1});
    QVERIFY(calibration.plan == uploaded.plan());
  }

  /// No spread is that small.
  void whereTimesLieTooFarApartThePlanThatThereIsStays() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    // By far the slowest of those that are tried.
    const engine::DeviceModel uploaded(m_gpu.device, model,
                                       {.family = KernelFamily::Rows, .invocations = 1024});
    const Calibration calibration = engine::calibrate(uploaded, model, {.spread = -1.0});
    QVERIFY(calibration.candidates.size() > 1);
    QVERIFY(calibration.plan == uploaded.plan());
    QVERIFY2(calibration.measured.ends_with("; too noisy to choose by"), calibration.measured.c_str());
  }

  void isUnknownWhereItWasStopped() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    const engine::DeviceModel uploaded(m_gpu.device, model);
    int asked = 0;
    QVERIFY(!engine::calibrate(uploaded, model, {.stop = [&] { return ++asked > 20; }}).known());
    QCOMPARE(asked, 21);
  }

  void everyPlanDecodesAsTheReference() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    std::vector<int> tokens;
    for (int i = 0; i < 100; ++i) tokens.push_back((i * 11) % model.config.vocabSize);
    reference::ReferenceDecoder truth(model, {});
    truth.run(tokens, {});
    for (const char* text :
         {"packed", "packed,rowBlocks=2", "packed,rowBlocks=8", "packed,attentionWorkgroups=32", "rows",
          "rows,invocations=64", "rows,invocations=512,attentionWorkgroups=1",
          "rows,attentionWorkgroups=32,merging=last", "rows,attentionWorkgroups=32,merging=apart"}) {
      UploadedDecoder decoder(m_gpu.device, model, {.kernels = model::parsePlan(text)});
      decoder.run(tokens, {});
      QVERIFY2(relativeError(decoder.logits(), truth.logits()) <= kReferenceF32CacheLimit, text);
    }
  }

  /// Fails where the probe asks for a view of more texels than a device has: then nothing could be measured
  /// on it.
  void ceilingsAreMeasuredWhereFewTexelsAreAddressed() {
    vulkan::DeviceInfo info = m_gpu.device.info();
    info.limits.maxTexelBufferElements = 65536;  // the least that Vulkan allows: 1 MiB
    info.memoryBytes = 64ull << 20;              // a quarter of it is probed
    vulkan::Device small(m_gpu.instance, info);
    const model::DeviceCeilings ceilings = engine::probeDevice(small);
    for (const auto* curve : {&ceilings.copy, &ceilings.read, &ceilings.coldRead}) {
      QVERIFY(!curve->empty());
      for (const model::MemoryPoint& point : *curve) QVERIFY(point.gigabytesPerSecond > 0.0);
    }
    QCOMPARE(ceilings.copy.back().workingSetBytes, std::uint64_t{16} << 20);
  }

  void isKeptPerDeviceAndDriver() {
    QTemporaryDir folder;
    const std::string path = folder.path().toStdString();
    const Calibration saved = someCalibration();
    formats::CalibrationFile(path, "a device", "a driver 1.0", "a shape").save(saved);
    const auto loaded = formats::CalibrationFile(path, "a device", "a driver 1.0", "a shape").load();
    QVERIFY(loaded.has_value());
    QVERIFY(loaded->plan == saved.plan);
    QCOMPARE(loaded->date, saved.date);
    QCOMPARE(loaded->candidates.size(), saved.candidates.size());
    QCOMPARE(loaded->candidates[0].stepMs, 2.5);
    QVERIFY(!formats::CalibrationFile(path, "a device", "a driver 1.1", "a shape").load());
    QVERIFY(!formats::CalibrationFile(path, "a device", "a driver 1.0", "another shape").load());
    QVERIFY(!formats::CalibrationFile({}, "a device", "a driver 1.0", "a shape").load());
  }

  void allShapesOfADeviceAreListed() {
    QTemporaryDir folder;
    const std::string path = folder.path().toStdString();
    Calibration saved = someCalibration();
    for (const char* shape : {"a shape", "another shape"}) {
      saved.shape = shape;
      formats::CalibrationFile(path, saved.device, saved.driver, shape).save(saved);
    }
    saved.device = "another device";
    formats::CalibrationFile(path, saved.device, saved.driver, "a shape").save(saved);
    std::ofstream(folder.filePath("kernels-broken.json").toStdString()) << "{";
    const auto kept = formats::keptCalibrations(path, "a device", "a driver 1.0");
    QCOMPARE(kept.size(), std::size_t{2});
    QVERIFY(kept[0].shape != kept[1].shape);
    QCOMPARE(formats::removeKept(path), 4);
    QVERIFY(formats::keptCalibrations(path, "a device", "a driver 1.0").empty());
  }

  void aBrokenFileIsNoCalibration_data() {
    QTest::addColumn<QString>("find");
    QTest::addColumn<QString>("replace");
    QTest::newRow("other format") << "headroom-calibration"
                                  << "other";
    QTest::newRow("unknown family") << "\"rows\""
                                    << "\"columns\"";
    QTest::newRow("impossible workgroup") << "128"
                                          << "100";
    QTest::newRow("not JSON") << "{"
                              << "<";
    QTest::newRow("other device") << "a device"
                                  << "b device";
    QTest::newRow("other shape") << "a shape"
                                 << "b shape";
  }
  void aBrokenFileIsNoCalibration() {
    QFETCH(QString, find);
    QFETCH(QString, replace);
    QTemporaryDir folder;
    const formats::CalibrationFile file(folder.path().toStdString(), "a device", "a driver 1.0", "a shape");
    file.save(someCalibration());
    QFile raw(QString::fromStdString(file.path()));
    QVERIFY(raw.open(QIODevice::ReadOnly));
    QString text = QString::fromUtf8(raw.readAll());
    raw.close();
    QVERIFY(text.contains(find));
    text.replace(find, replace);
    QVERIFY(raw.open(QIODevice::WriteOnly | QIODevice::Truncate));
    raw.write(text.toUtf8());
    raw.close();
    QVERIFY(!file.load());
  }
};

QTEST_GUILESS_MAIN(TestCalibration)
#include "tst_calibration.moc"
