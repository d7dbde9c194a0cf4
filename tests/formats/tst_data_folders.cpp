#include <QTemporaryDir>
#include <QTest>
#include <filesystem>
#include <fstream>

#include "core/formats/bundled_models.h"
#include "core/formats/data_folders.h"
#include "core/model/error.h"

using namespace headroom;
namespace fs = std::filesystem;

class TestDataFolders : public QObject {
  Q_OBJECT

 private:
  /// Makes `folder`/models/mha.gguf below the temporary folder.
  static void makeModel(const fs::path& folder) {
    fs::create_directories(folder / "models");
    std::ofstream(folder / "models" / "mha.gguf") << folder.string();
  }

 private slots:
  /// The order of the search: each place is found when all before it lack the file.
  void theFirstThatHasItCounts() {
    QTemporaryDir temporary;
    const fs::path root = temporary.path().toStdString();
    const formats::DataPlaces places{
        .executable = root / "tree/build/app/headroom",
        .assets = (root / "override").string(),
        .dataHome = (root / "data-home").string(),
        .dataDirs = (root / "data-one").string() + ":" + (root / "data-two").string(),
        .home = (root / "home").string()};
    const std::vector<fs::path> expected{root / "override",           root / "tree/build/share/headroom",
                                         root / "data-home/headroom", root / "data-one/headroom",
                                         root / "data-two/headroom",  root / "tree/build/assets",
                                         root / "tree/assets"};
    // The furthest first: each one that comes on top of the others wins over all behind it.
    for (auto place = expected.rbegin(); place != expected.rend(); ++place) {
      makeModel(*place);
      QCOMPARE(formats::findData(formats::dataFolders(places), "models/mha.gguf"),
               *place / "models/mha.gguf");
    }
  }

  void withoutVariablesTheSpecificationsDefaults() {
    const auto folders = formats::dataFolders({.executable = "/opt/h/bin/headroom", .home = "/home/a"});
    const auto has = [&](const char* folder) {
      return std::ranges::find(folders, fs::path(folder)) != folders.end();
    };
    QVERIFY(has("/opt/h/share/headroom"));
    QVERIFY(has("/home/a/.local/share/headroom"));
    QVERIFY(has("/usr/local/share/headroom"));
    QVERIFY(has("/usr/share/headroom"));
  }

  void relativeVariablesDoNotCount() {
    const auto folders =
        formats::dataFolders({.dataHome = "here", .dataDirs = "there:/abs", .home = "/home/a"});
    for (const fs::path& folder : folders) QVERIFY2(folder.is_absolute(), folder.c_str());
    QVERIFY(std::ranges::find(folders, fs::path("/abs/headroom")) != folders.end());
  }

  void aMissingFileNamesThePlaces() {
    try {
      formats::findData({"/nowhere/one", "/nowhere/two"}, "models/mha.gguf");
      QFAIL("it was found");
    } catch (const model::Error& error) {
      const QString sentence = error.what();
      QVERIFY2(sentence.contains("models/mha.gguf") && sentence.contains("/nowhere/one, /nowhere/two"),
               error.what());
    }
  }

  void aPathMeansItself() {
    QTemporaryDir temporary;
    const std::string file = temporary.filePath("mha").toStdString();
    std::ofstream(file) << "x";
    QCOMPARE(formats::resolveModel(file), file);
    QVERIFY(formats::resolveModel("mqa").ends_with("models/mqa.gguf"));
    try {
      formats::resolveModel("mla");
      QFAIL("it was found");
    } catch (const model::Error& error) {
      QVERIFY2(QString(error.what()).contains("mla does not exist, expected"), error.what());
    }
  }
};

QTEST_GUILESS_MAIN(TestDataFolders)
#include "tst_data_folders.moc"
