#include <QTest>
#include <fstream>

#include "core/formats/hugging_face/hugging_face_tokenizer.h"
#include "core/model/error.h"
#include "tests/support/hugging_face_files.h"

using namespace headroom;
using namespace headroom::tests;

class TstHuggingFaceRefusals : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;

  std::string folder() const { return m_folder.path().toStdString(); }
  void write(const char* name, const std::string& text) const {
    std::ofstream(m_folder.filePath(name).toStdString(), std::ios::binary) << text;
  }
  /// The message of the error that loading ends with; empty when it does not.
  std::string refusal(const json& tokenizer, int vocabSize = 0) const {
    write("tokenizer.json", tokenizer.dump());
    try {
      formats::loadHuggingFaceTokenizer(folder(), vocabSize);
    } catch (const model::Error& error) {
      return error.what();
    }
    return {};
  }

 private slots:
  void idsBeyondTheVocabulary() {
    const std::string message = refusal(smallBytes(), 27);
    QVERIFY2(message.find("has id 27, expected less than 27") != std::string::npos, message.c_str());
    QCOMPARE(refusal(smallBytes(), 28), std::string());
  }

  void refusals_data() {
    QTest::addColumn<QString>("path");
    QTest::addColumn<QString>("value");
    QTest::addColumn<QString>("part");
    const auto step = [](const json& value) { return QString::fromStdString(value.dump()); };
    QTest::newRow("another model") << "/model/type"
                                   << R"("WordPiece")"
                                   << "WordPiece";
    QTest::newRow("dropout") << "/model/dropout"
                             << "0.1"
                             << "dropout";
    QTest::newRow("prefixes") << "/model/continuing_subword_prefix"
                              << R"("##")"
                              << "##";
    QTest::newRow("suffixes") << "/model/end_of_word_suffix"
                              << R"("</w>")"
                              << "end_of_word_suffix";
    QTest::newRow("lower case") << "/normalizer"
                                << R"({"type": "Lowercase"})"
                                << "Lowercase";
    QTest::newRow("NFKC") << "/normalizer"
                          << R"({"type": "NFKC"})"
                          << "NFKC";
    QTest::newRow("a replacement") << "/normalizer"
                                   << R"({"type": "Replace", "pattern": {"String": "x"}, "content": "y"})"
                                   << "replaces";
    QTest::newRow("words alone") << "/pre_tokenizer"
                                 << R"({"type": "Whitespace"})"
                                 << "Whitespace";
    QTest::newRow("neither kind") << "/pre_tokenizer"
                                  << "null"
                                  << "neither ByteLevel";
    QTest::newRow("both kinds") << "/normalizer" << step({{"type", "Prepend"}, {"prepend", kSpace}})
                                << "mixed";
    QTest::newRow("matches removed") << "/pre_tokenizer"
                                     << step(sequence("pretokenizers", {split("b", "Removed"), byteLevel()}))
                                     << "Removed";
    QTest::newRow("a set in a set") << "/pre_tokenizer"
                                    << step(sequence("pretokenizers", {split("[a[bc]]"), byteLevel()}))
                                    << "set within";
    QTest::newRow("an intersection") << "/pre_tokenizer"
                                     << step(sequence("pretokenizers", {split("[a&&b]"), byteLevel()}))
                                     << "set within";
    QTest::newRow("an expression that is none")
        << "/pre_tokenizer" << step(sequence("pretokenizers", {split("(a"), byteLevel()})) << "PCRE2 refuses";
    QTest::newRow("whole words only") << "/added_tokens/0/single_word"
                                      << "true"
                                      << "whole words";
    QTest::newRow("two tokens of one id") << "/model/vocab/b"
                                          << "0"
                                          << "two tokens";
    QTest::newRow("an absurd id") << "/model/vocab/b"
                                  << "2000000000"
                                  << "expected less than";
    QTest::newRow("a negative id") << "/model/vocab/b"
                                   << "-1"
                                   << "whole number";
    QTest::newRow("half an id") << "/model/vocab/b"
                                << "1.5"
                                << "whole number";
    QTest::newRow("no vocabulary") << "/model/vocab"
                                   << "null"
                                   << "vocab";
    QTest::newRow("no merges") << "/model/merges"
                               << "null"
                               << "merges";
    QTest::newRow("a merge of one") << "/model/merges"
                                    << R"(["ab"])"
                                    << "Merge 0";
    QTest::newRow("a merge of three") << "/model/merges"
                                      << R"([["a", "b", "c"]])"
                                      << "merge 0";
    QTest::newRow("a merge with a space") << "/model/merges"
                                          << R"([["a ", "b"]])"
                                          << "without a space";
    QTest::newRow("added tokens without text") << "/added_tokens/0/content"
                                               << R"("")"
                                               << "no content";
    QTest::newRow("text where a flag belongs") << "/added_tokens/0/special"
                                               << R"("yes")"
                                               << "true or false";
  }
  void refusals() {
    QFETCH(QString, path);
    QFETCH(QString, value);
    QFETCH(QString, part);
    json file = smallBytes();
    file[json::json_pointer(path.toStdString())] = json::parse(value.toStdString());
    const QString message = QString::fromStdString(refusal(file));
    QVERIFY2(message.contains(part), qPrintable(message));
    QVERIFY2(message.contains("tokenizer.json"), qPrintable(message));
    QVERIFY(!message.contains('\n'));
  }

  // The prefix becomes part of a token that goes through the normalizer: "_<s>" is all that is found then.
  void tokensInNormalizedText() {
    json file = smallPieces({"a"}, {});
    file["added_tokens"] = json::array({added(2, "<s>")});
    QCOMPARE(refusal(file), std::string());
    file["added_tokens"][0]["normalized"] = true;
    QVERIFY(refusal(file).find("normalised text") != std::string::npos);
    json bytes = smallBytes();
    bytes["added_tokens"][0]["normalized"] = true;  // nothing changes it
    QCOMPARE(refusal(bytes), std::string());
  }

  void brokenFiles() {
    const std::string sound = smallBytes({}, {"a b"}).dump();
    for (std::size_t length = 0; length < sound.size(); length += 7) {
      write("tokenizer.json", sound.substr(0, length));
      QVERIFY_THROWS_EXCEPTION(model::Error, formats::loadHuggingFaceTokenizer(folder(), 0));
    }
    for (const std::string& text : {std::string(3000000, '['), "{\"a\":" + std::string(100, '['),
                                    std::string("[]"), std::string("7"), std::string("\"\xFF\"")}) {
      write("tokenizer.json", text);
      QVERIFY_THROWS_EXCEPTION(model::Error, formats::loadHuggingFaceTokenizer(folder(), 0));
    }
  }

  // Whatever stands in whatever place: a tokenizer or one sentence.
  void anyTypeAnywhere() {
    json file = smallBytes({}, {"a b"});
    file["model"]["vocab"] = {{"a", 0}, {"b", 1}, {"ab", 2}};
    file["added_tokens"] = {added(3, "<s>")};
    file["normalizer"] = sequence("normalizers", {{{"type", "NFC"}}});
    file["pre_tokenizer"] = sequence("pretokenizers", {split("a"), byteLevel(false)});
    file["post_processor"] = {{"type", "TemplateProcessing"},
                              {"single", {{{"SpecialToken", {{"id", "<s>"}}}}}}};
    QCOMPARE(refusal(file), std::string());
    int refused = 0;
    const json places = file.flatten();
    for (const auto& [path, unused] : places.items()) {
      for (json::json_pointer place(path); !place.empty(); place.pop_back()) {
        for (const char* value :
             {"null", "7", "-7", "1e300", "true", "\"x\"", "[]", "{}", "[[]]", "[\"a\"]"}) {
          json changed = file;
          changed[place] = json::parse(value);
          refused += refusal(changed).empty() ? 0 : 1;
        }
      }
    }
    QVERIFY(refused > 200);
  }
};

QTEST_GUILESS_MAIN(TstHuggingFaceRefusals)
#include "tst_hugging_face_refusals.moc"
