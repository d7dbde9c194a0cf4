#include <QTest>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "core/text/phrases.h"

using namespace headroom;
using model::SentenceId;

namespace {

namespace fs = std::filesystem;

std::string contentOf(const fs::path& file) {
  std::ifstream text(file);
  return {std::istreambuf_iterator<char>(text), {}};
}

const fs::path kRoot = HEADROOM_SOURCE_DIR;

/// The names in the enumeration, in its order.
std::vector<std::string> namesOfIds() {
  const std::string header = contentOf(kRoot / "core/model/sentence.h");
  const std::size_t begin = header.find("enum class SentenceId {");
  const std::string list = header.substr(begin, header.find("};", begin) - begin);
  const std::regex name("\\n  ([A-Z][A-Za-z]+),");
  std::vector<std::string> names;
  for (std::sregex_iterator at(list.begin(), list.end(), name), end; at != end; ++at)
    names.push_back((*at)[1]);
  return names;
}

SentenceId idAt(int index) {
  return static_cast<SentenceId>(index);
}

}  // namespace

/// The one table of words.
class TestPhrases : public QObject {
  Q_OBJECT

 private slots:
  void everyIdHasWords() {
    QCOMPARE(namesOfIds().size(), std::size_t{model::kSentenceCount});
    for (int index = 0; index < model::kSentenceCount; ++index) {
      QVERIFY2(!text::words(idAt(index)).empty(), namesOfIds()[static_cast<std::size_t>(index)].c_str());
    }
  }

  /// Every argument up to the last has its place, every place is an argument, and no brace is left over.
  void everyArgumentHasItsPlace() {
    const std::regex place("\\{[0-9]\\}");
    for (int index = 0; index < model::kSentenceCount; ++index) {
      const std::string words(text::words(idAt(index)));
      const std::size_t count = text::argumentCount(idAt(index));
      for (std::size_t argument = 0; argument < count; ++argument) {
        const std::string placed = "{" + std::to_string(argument) + "}";
        QVERIFY2(words.find(placed) != std::string::npos, words.c_str());
      }
      const std::string rest = std::regex_replace(words, place, "");
      QVERIFY2(rest.find_first_of("{}") == std::string::npos, words.c_str());
      std::vector<std::string> arguments;
      for (std::size_t argument = 0; argument < count; ++argument)
        arguments.push_back("<" + std::to_string(argument) + ">");
      const std::string said = text::phrase({idAt(index), arguments});
      for (const std::string& argument : arguments)
        QVERIFY2(said.find(argument) != std::string::npos, said.c_str());
      QVERIFY2(said.find('{') == std::string::npos, said.c_str());
    }
  }

  /// Whatever is in the table is said somewhere.
  void nothingIsLeftOver() {
    std::string sources;
    for (const char* folder : {"core", "app"}) {
      for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
        if (entry.path().extension() == ".cpp") sources += contentOf(entry.path());
      }
    }
    for (const std::string& name : namesOfIds()) {
      const std::regex said("SentenceId::" + name + "\\b");
      QVERIFY2(std::regex_search(sources, said), name.c_str());
    }
  }

  void argumentsStandInTheirPlaces() {
    QCOMPARE(text::inWords<SentenceId::ListLast>("MHA, GQA", std::string("MQA")),
             std::string("MHA, GQA and MQA"));
    // Braces of an argument are its own.
    QCOMPARE(text::inWords<SentenceId::OfLane>("{1}", "x"), std::string("{1}: x"));
    // As often as its place stands there, and in any order.
    QCOMPARE(text::inWords<SentenceId::VerdictKernelLimitsInShort>("MQA", "0.5", "MHA", "8.5"),
             std::string(". Our kernel is the limit: attention reads KV at 0.5 GB/s in MQA, 8.5 in MHA."));
  }
};

QTEST_GUILESS_MAIN(TestPhrases)
#include "tst_phrases.moc"
