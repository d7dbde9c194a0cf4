#include <QFile>
#include <QTemporaryDir>
#include <QTest>
#include <string>

#include "core/formats/json/json_object.h"
#include "core/formats/json/json_reader.h"
#include "core/model/error.h"

using namespace headroom;

namespace {

constexpr std::size_t kMostBytes = 1000;

/// Accepts whatever is JSON.
class Ignoring final : public formats::JsonVisitor {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(std::string&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(std::string&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
};

/// The sentence that `read` throws; empty when it throws none.
template <typename Read>
std::string refusal(Read read) {
  try {
    read();
    return {};
  } catch (const model::Error& error) {
    return error.what();
  }
}

std::string nested(int levels) {
  const auto count = static_cast<std::size_t>(levels);
  return std::string(count, '[') + std::string(count, ']');
}

}  // namespace

class TestJsonReader : public QObject {
  Q_OBJECT

 private slots:
  /// Each way in has the same guard and the same sentences.
  void everyWayIn_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QString>("end");
    const auto row = [](const char* name, const std::string& text, const char* end) {
      QTest::newRow(name) << QByteArray::fromStdString(text) << end;
    };
    row("a list", "[1, 2.5, true, null, \"a\", {\"b\": -1}]", "");
    row("64 levels", nested(64), "");
    row("65 levels", nested(65), " nests 65 levels deep, expected at most 64");
    row("65 levels, never closed", std::string(65, '{'), " nests 65 levels deep, expected at most 64");
    row("brackets in texts", "[\"" + std::string(65, '[') + "\", \"\\\"" + std::string(65, '{') + "\"]", "");
    row("lists beside each other", "[" + nested(63) + "," + nested(63) + "]", "");
    row("cut", "{\"a\":", " is not JSON at byte 6");
    row("broken UTF-8", "[\"\xFF\"]", " is not JSON at byte 3");
    row("a huge number", "[1e999]", " has a number that no float64 holds");
    row("1,000 bytes", "[" + std::string(998, ' ') + "]", "");
    row("1,001 bytes", "[" + std::string(999, ' ') + "]", " has 1001 bytes, expected at most 1000");
  }
  void everyWayIn() {
    QFETCH(QByteArray, text);
    QFETCH(QString, end);
    const std::string bytes = text.toStdString();
    const auto expected = [&](const std::string& what) {
      return end.isEmpty() ? std::string() : what + end.toStdString();
    };
    QCOMPARE(refusal([&] { formats::parseJson(bytes, kMostBytes); }), expected("it"));
    QCOMPARE(refusal([&] {
               Ignoring visitor;
               formats::walkJson(bytes, kMostBytes, "its header", visitor);
             }),
             expected("its header"));
    QTemporaryDir folder;
    const QString path = folder.filePath("kept.json");
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    QCOMPARE(file.write(text), text.size());
    file.close();
    QCOMPARE(refusal([&] { formats::readJsonFile(path.toStdString(), kMostBytes); }),
             expected(path.toStdString()));
  }

  void anObjectIsAskedFor() {
    QCOMPARE(formats::parseJsonObject(R"({"a": 3})", kMostBytes)["a"].get<int>(), 3);
    const auto sentence = [](const char* text) {
      return refusal([text] { formats::parseJsonObject(text, kMostBytes, "its list"); });
    };
    QCOMPARE(sentence("[1]"), std::string("its list is an array, expected an object"));
    QCOMPARE(sentence("17"), std::string("its list is 17, expected an object"));
  }

  void membersThatAreOfAnotherType() {
    const nlohmann::json value = {{"name", 5}, {"special", "yes"}, {"id", -1}, {"none", nullptr}};
    QCOMPARE(refusal([&] { formats::textMember(value, "name", ""); }),
             std::string("name is 5, expected text"));
    QCOMPARE(refusal([&] { formats::flagMember(value, "special", false); }),
             std::string("special is \"yes\", expected true or false"));
    QCOMPARE(refusal([&] { formats::idOf(value["id"], "an id"); }),
             std::string("an id is -1, expected a whole number from 0 to 2147483647"));
    QCOMPARE(formats::textMember(value, "none", "missing"), std::string("missing"));
    QVERIFY(formats::flagMember(nlohmann::json::array(), "special", true));
  }
};

QTEST_GUILESS_MAIN(TestJsonReader)
#include "tst_json_reader.moc"
