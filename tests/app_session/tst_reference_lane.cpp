#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include "app/session/session_host.h"
#include "app/session/trace_store.h"
#include "core/formats/gguf/gguf_writer.h"
#include "tests/support/random_model.h"

using namespace headroom;

/// A model of head_dim 6 in the window's session, with the factory that the application uses: a lane on the
/// processor beside one on the device, each with what is true of it.
class TestReferenceLane : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;

  std::string write(const char* name, int headDim) {
    const std::string path = m_folder.filePath(name).toStdString();
    const model::Model model = tests::randomModel(tests::smallConfig({4, 2, headDim}), tests::Output::Tied);
    formats::writeGguf({.config = model.config, .weights = model.weights, .tokenizer = model.tokenizer.get()},
                       path, model::Storage::F32);
    return path;
  }

 private slots:
  void runsBesideALaneOfTheDevice() {
    session::TraceStore store;
    session::SessionHost host(lanes::deviceLanes());
    QStringList messages;
    host.fill(store);
    connect(&host, &session::SessionHost::message, &store, [&](const session::Message& message) {
      messages.append(QString::fromStdString(message.sentence));
    });
    host.setPrompt("the");
    host.setLanes({{write("six.gguf", 6), 0, {}}, {write("eight.gguf", 8), 1, {}}});
    QTRY_COMPARE_WITH_TIMEOUT(store.laneCount(), 2, 30000);
    const QString note =
        "head_dim 6 is no multiple of 4, so this model runs on the float64 reference on the "
        "processor; its times are the processor's.";
    QTRY_VERIFY(messages.contains("six: " + note));
    const session::LaneInfo& six = store.lane(0).info();
    QCOMPARE(QString::fromStdString(six.note), note);
    QCOMPARE(six.deviceName, std::string("Eigen, float64"));
    QCOMPARE(six.kvType, model::KvType::F64);
    QVERIFY(!six.card.memory);
    QVERIFY(std::ranges::find(six.card.notes, note.toStdString()) != six.card.notes.end());
    const session::LaneInfo& eight = store.lane(1).info();
    QVERIFY(eight.note.empty() && eight.card.memory && eight.kvType == model::KvType::F32);
    QVERIFY(eight.deviceName != six.deviceName);

    QTRY_VERIFY(store.length() > 0);
    const int before = store.length();
    host.stepOne();
    QTRY_COMPARE(store.lane(0).length(), before + 1);
    QTRY_COMPARE(store.lane(1).length(), before + 1);
    // 2 (K and V) x 2 layers x 2 KV heads x head_dim x bytes.
    const auto positions = static_cast<std::uint64_t>(before + 1);
    QCOMPARE(store.lane(0).cacheBytesUsed(before), positions * 2 * 2 * 2 * 6 * 8);
    QCOMPARE(store.lane(1).cacheBytesUsed(before), positions * 2 * 2 * 2 * 8 * 4);
    QCOMPARE(store.lane(0).stepAt(before).issued().total(), std::uint64_t{0});
  }

  void optionsOfTheShadersAreOneSentence() {
    session::SessionHost host(lanes::deviceLanes());
    QStringList messages;
    connect(&host, &session::SessionHost::message, this, [&](const session::Message& message) {
      messages.append(QString::fromStdString(message.sentence));
    });
    host.setLanes({{write("six.gguf", 6), 0, {.attention = model::AttentionKernel::Naive}}});
    QTRY_VERIFY(messages.join('\n').contains("no kernels to choose from; the naive one was asked for"));
  }
};

QTEST_GUILESS_MAIN(TestReferenceLane)
#include "tst_reference_lane.moc"
