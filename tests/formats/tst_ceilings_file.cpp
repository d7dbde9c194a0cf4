#include <QTemporaryDir>
#include <QTest>
#include <filesystem>
#include <fstream>

#include "core/formats/kept/cache_folder.h"
#include "core/formats/kept/ceilings_file.h"
#include "core/model/error.h"

using namespace headroom;
namespace fs = std::filesystem;

namespace {

model::DeviceCeilings measured() {
  return {.device = "llvmpipe (LLVM 15.0.6, 256 bits)",
          .driver = "llvmpipe Mesa 22.3.6",
          .date = "2026-11-22 09:30",
          .copy = {{1 << 18, 41.25}, {1 << 25, 19.5}, {1 << 28, 11.125}},
          .read = {{1 << 19, 43.75}, {1 << 27, 12.5}},
          .coldRead = {{1 << 20, 9.25}},
          .fmaGflops = 170.5,
          .emptyDispatchUs = 48.75};
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

class TestCeilingsFile : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;

  formats::CeilingsFile file(const std::string& folder = "kept") {
    const model::DeviceCeilings ceilings = measured();
    return {m_folder.filePath(QString::fromStdString(folder)).toStdString(), ceilings.device,
            ceilings.driver};
  }

 private slots:
  void whatIsSavedIsLoaded() {
    QVERIFY(!file().load());
    file().save(measured());
    const auto loaded = file().load();
    QVERIFY(loaded.has_value());
    QCOMPARE(loaded->date, measured().date);
    QCOMPARE(loaded->device, measured().device);
    QCOMPARE(loaded->driver, measured().driver);
    QCOMPARE(loaded->fmaGflops, measured().fmaGflops);
    QCOMPARE(loaded->emptyDispatchUs, measured().emptyDispatchUs);
    for (const auto curve :
         {&model::DeviceCeilings::copy, &model::DeviceCeilings::read, &model::DeviceCeilings::coldRead}) {
      const std::vector<model::MemoryPoint> kept = (*loaded).*curve;
      const std::vector<model::MemoryPoint> saved = measured().*curve;
      QCOMPARE(kept.size(), saved.size());
      for (std::size_t index = 0; index < kept.size(); ++index) {
        QCOMPARE(kept[index].workingSetBytes, saved[index].workingSetBytes);
        QCOMPARE(kept[index].gigabytesPerSecond, saved[index].gigabytesPerSecond);
      }
    }
  }

  /// What reading reaches at most, at sizes of the curves, between them and beyond.
  void theFasterCurveCounts() {
    const model::DeviceCeilings ceilings = measured();
    QCOMPARE(ceilings.readAt(1 << 18), 43.75);              // reading is faster
    QCOMPARE(ceilings.readAt(1 << 23), 43.75 - 31.25 / 2);  // halfway in doublings: 16 from end to end
    QCOMPARE(ceilings.readAt(1ull << 30), 12.5);
    QCOMPARE(ceilings.fastestRead(), 43.75);
    QCOMPARE(ceilings.memoryRead(), 12.5);
    model::DeviceCeilings slow = measured();
    slow.read = {{1 << 18, 2.0}, {1 << 28, 1.0}};  // a kernel that reads badly is no ceiling
    QCOMPARE(slow.readAt(1 << 25), 19.5);
    QCOMPARE(slow.memoryRead(), 11.125);
  }

  void anotherDriverHasAnotherFile() {
    file().save(measured());
    const formats::CeilingsFile other(m_folder.filePath("kept").toStdString(), measured().device,
                                      "llvmpipe Mesa 25.0.7");
    QVERIFY(!other.load());
    // Even under the other's name.
    fs::copy_file(file().path(), other.path());
    QVERIFY(!other.load());
  }

  void whateverElseIsIgnored_data() {
    QTest::addColumn<QString>("from");
    QTest::addColumn<QString>("to");
    QTest::newRow("not JSON") << "{"
                              << "}{";
    QTest::newRow("of another program") << "headroom-ceilings"
                                        << "other";
    QTest::newRow("of a later version") << "\"version\": 3"
                                        << "\"version\": 4";
    QTest::newRow("of the version before, which knew no reading") << "\"version\": 3"
                                                                  << "\"version\": 2";
    QTest::newRow("without a date") << "\"date\""
                                    << "\"day\"";
    QTest::newRow("a rate in words") << "170.5"
                                     << "\"fast\"";
    QTest::newRow("a rate of zero") << "41.25"
                                    << "0";
    QTest::newRow("a negative rate") << "170.5"
                                     << "-170.5";
    QTest::newRow("a negative cost") << "48.75"
                                     << "-1";
    QTest::newRow("a rate beyond all numbers") << "19.5"
                                               << "1e999";
    QTest::newRow("a curve out of order") << "33554432"
                                          << "1024";
    QTest::newRow("a size in words") << "33554432"
                                     << "\"large\"";
    QTest::newRow("no curve of reading") << "\"read\""
                                         << "\"reads\"";
    QTest::newRow("no curve") << "\"copy\""
                              << "\"copies\"";
  }
  void whateverElseIsIgnored() {
    QFETCH(QString, from);
    QFETCH(QString, to);
    file().save(measured());
    const QString whole = QString::fromStdString(read(file().path()));
    QVERIFY(whole.contains(from));
    QString broken = whole;
    write(file().path(), broken.replace(from, to).toStdString());
    QVERIFY(!file().load());
  }

  void everyTruncationIsIgnored() {
    file().save(measured());
    const std::string whole = read(file().path());
    for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
      write(file().path(), whole.substr(0, length));
      QVERIFY2(!file().load(), std::to_string(length).c_str());
    }
  }

  void aHugeFileIsNotRead() {
    file().save(measured());
    write(file().path(), read(file().path()) + std::string(1 << 20, ' '));
    QVERIFY(!file().load());
  }

  void aFolderInItsPlaceSaysSo() {
    const formats::CeilingsFile blocked = file("blocked");
    fs::create_directories(blocked.path());
    QVERIFY(!blocked.load());
    QVERIFY_EXCEPTION_THROWN(blocked.save(measured()), model::Error);
    write(m_folder.filePath("plain").toStdString(), "a file where a folder must be");
    QVERIFY_EXCEPTION_THROWN(file("plain/below").save(measured()), model::Error);
  }

  void withoutAFolderNothingIsKept() {
    const formats::CeilingsFile none("", measured().device, measured().driver);
    none.save(measured());
    QVERIFY(!none.load());
  }

  void theCacheFolderFollowsTheEnvironment() {
    qputenv("XDG_CACHE_HOME", "/somewhere/cache");
    qputenv("HOME", "/home/someone");
    QCOMPARE(formats::cacheFolder(), std::string("/somewhere/cache/headroom"));
    qputenv("XDG_CACHE_HOME", "relative");  // to be ignored, as the specification says
    QCOMPARE(formats::cacheFolder(), std::string("/home/someone/.cache/headroom"));
    qunsetenv("XDG_CACHE_HOME");
    QCOMPARE(formats::cacheFolder(), std::string("/home/someone/.cache/headroom"));
    qunsetenv("HOME");
    QCOMPARE(formats::cacheFolder(), std::string());
  }

  void fileNamesAreReadableAndUnique() {
    const std::string name = formats::cacheFileName("ceilings", "NVIDIA H200 / (x)", "a");
    QVERIFY2(QString::fromStdString(name).startsWith("ceilings-nvidia-h200-x-"), name.c_str());
    QVERIFY(name != formats::cacheFileName("ceilings", "NVIDIA H200 / (x)", "b"));
    QVERIFY(formats::cacheFileName("k", "../../etc/passwd", "a").find('/') == std::string::npos);
  }
};

QTEST_GUILESS_MAIN(TestCeilingsFile)
#include "tst_ceilings_file.moc"
