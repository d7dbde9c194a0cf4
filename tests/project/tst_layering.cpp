#include <QLibraryInfo>
#include <QTest>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

// Who may include whom, as data below, and how long a file may be. ARCHITECTURE.md says what the modules are.
namespace {
namespace fs = std::filesystem;

constexpr int kMostLines = 500;
const fs::path kRoot = HEADROOM_SOURCE_DIR;

enum class Where { Anywhere, SourcesOnly };

/// An outside header that a module may include.
struct Outside {
  const char* pattern;  ///< regular expression over the whole header name
  Where where = Where::Anywhere;
};

struct Rule {
  std::string folder;  ///< below the root, with the folders in it that have no rule of their own
  std::vector<std::string> project;  ///< folders or files below the root that it may include, besides itself
  std::vector<Outside> outside;      ///< besides the C++ standard library and fmt
  std::vector<std::string> qtModules;  ///< whose headers it may include
};

const Outside kJson{"nlohmann/.*"};
const Outside kEigenInSources{"Eigen/.*", Where::SourcesOnly};
const Outside kVulkan{"vulkan/.*"};
const Outside kImgui{"imgui.*|backends/imgui_.*"};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> table = {
      {"core/model", {}, {}, {}},
      {"core/text",
       {"core/model"},
       {{"pcre2\\.h", Where::SourcesOnly}, {"utf8proc\\.h", Where::SourcesOnly}},
       {}},
      {"core/formats", {"core/model", "core/text"}, {kJson, kEigenInSources}, {}},
      {"core/analysis", {"core/model", "core/text"}, {kJson, kEigenInSources}, {}},
      {"core/reference", {"core/model"}, {kEigenInSources}, {}},
      {"core/training", {"core/model", "core/text"}, {kEigenInSources}, {}},
      {"core/vulkan", {}, {kVulkan}, {}},
      {"core/engine", {"core/model", "core/vulkan", "shaders/kernel_params.h"}, {kVulkan}, {}},
      {"core/lanes", {"core/model", "core/text", "core/analysis"}, {{"nlohmann/.*", Where::SourcesOnly}}, {}},
      {"core/evaluation",
       {"core/model", "core/text", "core/analysis", "core/reference", "core/lanes"},
       {},
       {}},
      {"app/session",
       {"core/model", "core/text", "core/analysis", "core/lanes", "core/evaluation"},
       {},
       {"QtCore"}},
      {"app/figures",
       {"core/model", "core/analysis", "core/evaluation", "core/formats/files/atomic_file.h",
        "core/formats/npy.h"},
       {},
       {"QtCore", "QtGui", "QtSvg"}},
      {"app/panels", {"app/session", "core/model", "core/analysis"}, {kImgui}, {}},
      {"app/view",
       {"app/session", "app/panels/panel.h", "shaders/kernel_params.h"},
       {kVulkan, kImgui, {"fontconfig/.*", Where::SourcesOnly}},
       {"QtCore", "QtGui"}},
      {"app/pages",
       {"app/session", "app/figures", "core/model", "core/analysis"},
       {{"qcustomplot\\.h"}},
       {"QtCore", "QtGui", "QtWidgets", "QtPrintSupport"}},
      {"app/cli", {"core"}, {{"CLI/.*"}, kJson}, {}},
      {"app/cli/export", {"app/cli", "app/figures", "core"}, {{"CLI/.*"}, kJson}, {}},
      // main() builds what the other folders of app/ receive.
      {"app", {"app", "core"}, {}, {"QtCore", "QtGui", "QtWidgets"}},
  };
  return table;
}

/// The single file of core/lanes that knows engines, and those that know files.
const std::map<std::string, std::vector<std::string>> kAlso = {
    {"core/lanes/device_lanes.cpp", {"core/formats", "core/reference", "core/engine", "core/vulkan"}},
    {"core/lanes/experiment.cpp", {"core/formats"}},
    {"core/lanes/machine.cpp", {"core/formats", "core/vulkan"}},
    {"core/lanes/trace_saving.cpp", {"core/formats"}}};

/// The only files with POSIX headers.
const std::set<std::string> kPosixFiles = {
    "core/formats/files/file_mapping.cpp", "core/formats/files/atomic_file.cpp",
    "core/formats/files/output_target.cpp", "core/formats/files/scratch_file.cpp",
    "core/formats/files/terminal.cpp"};
const std::regex kPosixHeader("(sys/.*|unistd\\.h|fcntl\\.h|dlfcn\\.h|pthread\\.h|dirent\\.h|signal\\.h)");
const std::regex kStandardHeader("[a-z0-9_]+");
const std::regex kFmtHeader("fmt/.*");

struct Include {
  int line = 0;
  std::string name;
  bool quoted = false;
};

std::vector<Include> includesOf(std::istream& text) {
  static const std::regex directive(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  std::vector<Include> includes;
  std::string line;
  for (int number = 1; std::getline(text, line); ++number) {
    std::smatch match;
    if (std::regex_search(line, match, directive)) includes.push_back({number, match[2], match[1] == "\""});
  }
  return includes;
}

bool isBelow(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder + "/");
}

std::vector<std::string> filesBelow(const std::vector<std::string>& folders) {
  static const std::set<std::string> extensions = {".h", ".cpp", ".glsl", ".comp", ".vert", ".frag"};
  std::vector<std::string> files;
  for (const std::string& folder : folders) {
    if (!fs::exists(kRoot / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      if (!entry.is_regular_file() || !extensions.contains(entry.path().extension().string())) continue;
      files.push_back(fs::relative(entry.path(), kRoot).generic_string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

const Rule* ruleOf(const std::string& file) {
  const Rule* closest = nullptr;
  for (const Rule& rule : rules()) {
    const bool holds =
        rule.folder == "app" ? fs::path(file).parent_path() == "app" : isBelow(file, rule.folder);
    if (holds && (!closest || rule.folder.size() > closest->folder.size())) closest = &rule;
  }
  return closest;
}

/// Whether a Qt module of the list has the header, as the installed headers lie.
bool isQtHeaderOf(const std::string& header, const std::vector<std::string>& modules) {
  const fs::path headers = QLibraryInfo::path(QLibraryInfo::HeadersPath).toStdString();
  return std::any_of(modules.begin(), modules.end(), [&](const std::string& module) {
    return header.starts_with(module + "/") || fs::exists(headers / module / header);
  });
}

bool mayIncludeOwn(const std::string& file, const Rule& rule, const std::string& header) {
  if (header.ends_with(".spv.inc")) return rule.folder == "core/engine" || rule.folder == "app/view";
  if (header == "kernel_table.inc" || header == "kernel_interfaces.h") return rule.folder == "core/engine";
  if (isBelow(header, rule.folder)) return true;
  std::vector<std::string> allowed = rule.project;
  if (const auto also = kAlso.find(file); also != kAlso.end()) {
    allowed.insert(allowed.end(), also->second.begin(), also->second.end());
  }
  return std::any_of(allowed.begin(), allowed.end(),
                     [&](const std::string& a) { return isBelow(header, a); });
}

bool mayIncludeOutside(const std::string& file, const Rule& rule, const std::string& header) {
  if (std::regex_match(header, kStandardHeader) && !header.starts_with("Q")) return true;
  if (std::regex_match(header, kFmtHeader)) return true;
  if (std::regex_match(header, kPosixHeader)) return kPosixFiles.contains(file);
  if (isQtHeaderOf(header, rule.qtModules)) return true;
  return std::any_of(rule.outside.begin(), rule.outside.end(), [&](const Outside& outside) {
    return std::regex_match(header, std::regex(outside.pattern)) &&
           (outside.where == Where::Anywhere || file.ends_with(".cpp"));
  });
}

/// What is wrong with the includes of `file`; empty when nothing is.
std::string violations(const std::string& file, std::istream& text) {
  const Rule* rule = ruleOf(file);
  if (!rule) return file + " lies in a folder that the table does not know\n";
  std::string found;
  for (const Include& include : includesOf(text)) {
    const bool fine = include.quoted ? mayIncludeOwn(file, *rule, include.name)
                                     : mayIncludeOutside(file, *rule, include.name);
    if (!fine) found += file + ":" + std::to_string(include.line) + " may not include " + include.name + "\n";
  }
  return found;
}
}  // namespace

class TstLayering : public QObject {
  Q_OBJECT

 private slots:
  void includes() {
    const std::vector<std::string> files = filesBelow({"app", "core"});
    QVERIFY(files.size() > 50);
    std::string found;
    for (const std::string& file : files) {
      std::ifstream text(kRoot / file);
      found += violations(file, text);
    }
    QVERIFY2(found.empty(), ("\n" + found).c_str());
  }

  void everyFolderOfTheTableExists() {
    for (const Rule& rule : rules()) QVERIFY2(fs::is_directory(kRoot / rule.folder), rule.folder.c_str());
  }

  void fileLength() {
    std::string found;
    for (const std::string& file : filesBelow({"app", "core", "shaders", "tests"})) {
      std::ifstream text(kRoot / file);
      const auto lines = std::count(std::istreambuf_iterator<char>(text), {}, '\n');
      if (lines > kMostLines) found += file + " has " + std::to_string(lines) + " lines\n";
    }
    QVERIFY2(found.empty(), ("\n" + found).c_str());
  }

  void headersAreGuardedAndNamedInSnakeCase() {
    const std::regex snakeCase("[a-z0-9_]+\\.[a-z]+");
    for (const std::string& file : filesBelow({"app", "core", "shaders", "tests"})) {
      QVERIFY2(std::regex_match(fs::path(file).filename().string(), snakeCase), file.c_str());
      if (!file.ends_with(".h") || file == "shaders/kernel_params.h") continue;
      std::ifstream text(kRoot / file);
      const std::string all(std::istreambuf_iterator<char>(text), {});
      QVERIFY2(all.find("#pragma once") != std::string::npos, file.c_str());
    }
  }

  /// The rules themselves: what each forbids must be found.
  void theTableForbids_data() {
    QTest::addColumn<QString>("file");
    QTest::addColumn<QString>("include");
    QTest::addColumn<bool>("allowed");
    const auto row = [](const char* name, const char* file, const char* include, bool allowed) {
      QTest::newRow(name) << file << include << allowed;
    };
    row("core sees no Qt", "core/analysis/x.cpp", "<QString>", false);
    row("core sees no Qt by module", "core/model/x.cpp", "<QtCore/QString>", false);
    row("model sees no formats", "core/model/x.cpp", "\"core/formats/gguf/gguf_model.h\"", false);
    row("formats sees model", "core/formats/x.h", "\"core/model/model.h\"", true);
    row("Eigen in a source", "core/reference/x.cpp", "<Eigen/Core>", true);
    row("Eigen in a header", "core/reference/x.h", "<Eigen/Core>", false);
    row("POSIX in the mapping", "core/formats/files/file_mapping.cpp", "<sys/mman.h>", true);
    row("POSIX elsewhere", "core/engine/x.cpp", "<unistd.h>", false);
    row("analysis sees no Vulkan", "core/analysis/x.cpp", "<vulkan/vulkan.h>", false);
    row("engine sees Vulkan", "core/engine/x.cpp", "<vulkan/vulkan.h>", true);
    row("engine sees the kernels' parameters", "core/engine/x.cpp", "\"shaders/kernel_params.h\"", true);
    row("engine sees no formats", "core/engine/x.cpp", "\"core/formats/gguf/gguf_model.h\"", false);
    row("panels see no engine", "app/panels/x.cpp", "\"core/engine/vulkan_decoder.h\"", false);
    row("panels see no Vulkan", "app/panels/x.cpp", "<vulkan/vulkan.h>", false);
    row("panels see no Qt", "app/panels/x.cpp", "<QWidget>", false);
    row("pages see no Vulkan", "app/pages/x.cpp", "<vulkan/vulkan.h>", false);
    row("pages see no engine", "app/pages/x.cpp", "\"core/engine/vulkan_decoder.h\"", false);
    row("pages see widgets", "app/pages/x.cpp", "<QLabel>", true);
    row("view sees no widgets", "app/view/x.cpp", "<QLabel>", false);
    row("view sees a panel's interface only", "app/view/x.cpp", "\"app/panels/head_wall_panel.h\"", false);
    row("session sees no GUI", "app/session/x.cpp", "<QColor>", false);
    row("session sees no engine", "app/session/x.cpp", "\"core/engine/vulkan_decoder.h\"", false);
    row("nor do lanes", "core/lanes/x.cpp", "\"core/engine/vulkan_decoder.h\"", false);
    row("but what opens them does", "core/lanes/device_lanes.cpp", "\"core/engine/vulkan_decoder.h\"", true);
    row("an experiment is a file", "core/lanes/experiment.cpp", "\"core/formats/json/json_object.h\"", true);
    row("and no engine", "core/lanes/experiment.cpp", "\"core/engine/vulkan_decoder.h\"", false);
    row("evaluation sees the reference", "core/evaluation/x.cpp", "\"core/reference/matrices.h\"", true);
    row("evaluation sees no engine", "core/evaluation/x.cpp", "\"core/engine/vulkan_decoder.h\"", false);
    row("lanes see no Qt", "core/lanes/x.h", "<QObject>", false);
    row("the command line sees the core", "app/cli/x.cpp", "\"core/engine/vulkan_decoder.h\"", true);
    row("the command line sees no Qt", "app/cli/x.cpp", "<QString>", false);
    row("the command line sees no session", "app/cli/x.cpp", "\"app/session/lane.h\"", false);
    row("nor figures", "app/cli/x.cpp", "\"app/figures/figure.h\"", false);
    row("but export does", "app/cli/export/x.cpp", "\"app/figures/figure.h\"", true);
    row("export sees no session", "app/cli/export/x.cpp", "\"app/session/lane.h\"", false);
    row("figures see no session", "app/figures/x.cpp", "\"app/session/lane.h\"", false);
    row("figures see no engine", "app/figures/x.cpp", "\"core/engine/vulkan_decoder.h\"", false);
    row("figures read no files", "app/figures/x.cpp", "\"core/formats/load_model.h\"", false);
    row("figures write whole ones", "app/figures/x.cpp", "\"core/formats/files/atomic_file.h\"", true);
    row("figures see no widgets", "app/figures/x.cpp", "<QWidget>", false);
    row("figures paint", "app/figures/x.cpp", "<QPainter>", true);
    row("an unknown folder", "core/misc/x.cpp", "<vector>", false);
  }
  void theTableForbids() {
    QFETCH(QString, file);
    QFETCH(QString, include);
    QFETCH(bool, allowed);
    std::istringstream text("#include " + include.toStdString() + "\n");
    QCOMPARE(violations(file.toStdString(), text).empty(), allowed);
  }
};

QTEST_GUILESS_MAIN(TstLayering)
#include "tst_layering.moc"
