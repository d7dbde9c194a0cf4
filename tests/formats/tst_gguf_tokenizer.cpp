#include <QTest>
#include <fstream>

#include "core/formats/gguf/gguf_tokenizer.h"
#include "core/model/error.h"
#include "tests/support/gguf_builder.h"

using namespace headroom;
using tests::GgufBuilder;

namespace {
enum Type { Normal = 1, Unknown, Control, UserDefined, Unused, Byte };
struct Token {
  std::string text;
  Type type = Normal;
  float score = 0.0f;
};

void setTokens(GgufBuilder& file, const std::vector<Token>& tokens) {
  std::string texts, types, scores;
  for (const Token& token : tokens) {
    texts += GgufBuilder::text(token.text);
    types += GgufBuilder::bytesOf<std::int32_t>(token.type);
    scores += GgufBuilder::bytesOf(token.score);
  }
  file.set("tokenizer.ggml.tokens", 9, GgufBuilder::array(8, tokens.size(), texts));
  file.set("tokenizer.ggml.token_type", 9, GgufBuilder::array(5, tokens.size(), types));
  file.set("tokenizer.ggml.scores", 9, GgufBuilder::array(6, tokens.size(), scores));
}
void setMerges(GgufBuilder& file, const std::vector<std::string>& merges) {
  std::string texts;
  for (const std::string& merge : merges) texts += GgufBuilder::text(merge);
  file.set("tokenizer.ggml.merges", 9, GgufBuilder::array(8, merges.size(), texts));
}
void setFlag(GgufBuilder& file, const std::string& key, bool value) {
  file.set(key, 7, std::string(1, value ? '\1' : '\0'));
}

const std::string kSpace = "\xE2\x96\x81";
}  // namespace

/// Vocabularies put together by hand, one for what each kind of file says beyond tokens.
class TstGgufTokenizer : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;

  GgufBuilder vocabulary(const char* kind, const std::vector<Token>& tokens) const {
    GgufBuilder file;
    file.setText("general.architecture", "llama");
    file.setText("tokenizer.ggml.model", kind);
    setTokens(file, tokens);
    return file;
  }
  std::unique_ptr<model::Tokenizer> load(const GgufBuilder& file) const {
    const std::string path = m_folder.filePath("vocabulary.gguf").toStdString();
    std::ofstream(path, std::ios::binary) << file.build();
    return formats::loadGgufTokenizer(path);
  }
  QString refusal(const GgufBuilder& file) const {
    try {
      load(file);
    } catch (const model::Error& error) {
      return error.what();
    }
    return {};
  }

 private slots:
  void byteLevelFamily() {
    // "11" is a word of GPT-2's; Qwen 2 cuts digits apart.
    GgufBuilder file = vocabulary("gpt2", {{"1"}, {"11"}, {"a"}, {"<|im_end|>", Control}, {"<s>", Control}});
    setMerges(file, {"1 1"});
    file.setCount("tokenizer.ggml.bos_token_id", 4);
    QVERIFY(load(file)->encode("11") == (std::vector<int>{1}));  // no pre-tokenizer named: GPT-2's
    QCOMPARE(load(file)->beginToken(), -1);
    file.setText("tokenizer.ggml.pre", "qwen2");
    QVERIFY(load(file)->encode("11") == (std::vector<int>{0, 0}));
    QVERIFY(load(file)->endsText(3));  // the end of a turn
    file.setCount("tokenizer.ggml.eot_token_id", 2);
    QVERIFY(load(file)->endsText(2));
    file.setText("tokenizer.ggml.pre", "llama-bpe");  // starts texts with the begin token
    QCOMPARE(load(file)->beginToken(), 4);
    setFlag(file, "tokenizer.ggml.add_bos_token", false);
    QCOMPARE(load(file)->beginToken(), -1);
    file.setText("tokenizer.ggml.pre", "qwen-2");
    QVERIFY2(refusal(file).contains("qwen2"), qPrintable(refusal(file)));
  }

  void phi3StripsWhiteSpace() {
    GgufBuilder file = vocabulary("llama", {{"<unk>", Unknown},
                                            {"<s>", Control},
                                            {"</s>", Control},
                                            {kSpace + "a"},
                                            {kSpace},
                                            {"a"},
                                            {"<|user|>", Control}});
    setFlag(file, "tokenizer.ggml.add_space_prefix", false);
    const auto parsed = [&] { return load(file)->encode("<|user|>  a<s> a", model::SpecialText::Parsed); };
    QVERIFY(parsed() == (std::vector<int>{6, 4, 3, 1, 3}));
    file.setText("general.name", "Phi-3 mini");
    QVERIFY(parsed() == (std::vector<int>{6, 5, 1, 3}));
  }

  void gemma4MergesByRank() {
    GgufBuilder file = vocabulary(
        "gemma4",
        {{"<unk>", Unknown}, {"a"}, {"b"}, {kSpace}, {kSpace + "a"}, {"ab"}, {"\n"}, {"\n\n"}, {"<0x21>"}});
    setMerges(file, {kSpace + " a", "a b"});
    QVERIFY(load(file)->encode(" ab") == (std::vector<int>{4, 2}));
    QVERIFY(load(file)->encode("ab\n\n!") == (std::vector<int>{5, 7, 8}));
    QCOMPARE(load(file)->decode({4, 8}), std::string(" a!"));
  }

  void unigram() {
    GgufBuilder file = vocabulary("t5", {{"<unk>", Unknown},
                                         {"</s>", Control},
                                         {kSpace + "a", Normal, -2.0f},
                                         {kSpace, Normal, -3.0f},
                                         {"a", Normal, -3.0f},
                                         {"b", Normal, -3.0f}});
    file.setCount("tokenizer.ggml.unknown_token_id", 0);
    file.setCount("tokenizer.ggml.eos_token_id", 1);
    QVERIFY(load(file)->encode("a  b?") == (std::vector<int>{2, 3, 5, 0}));
    QCOMPARE(load(file)->beginToken(), -1);
    QCOMPARE(load(file)->endToken(), 1);
    setFlag(file, "tokenizer.ggml.add_space_prefix", false);
    setFlag(file, "tokenizer.ggml.remove_extra_whitespaces", false);
    QVERIFY(load(file)->encode("a  b") == (std::vector<int>{4, 3, 3, 5}));
    file.set("tokenizer.ggml.precompiled_charsmap", 9, GgufBuilder::array(0, 3, "abc"));
    QVERIFY2(refusal(file).contains("character map"), qPrintable(refusal(file)));
  }

  void otherKindsAreRefused_data() {
    QTest::addColumn<QString>("kind");
    for (const char* kind : {"bert", "rwkv", "plamo2", "whitespace", ""}) QTest::newRow(kind) << kind;
  }
  void otherKindsAreRefused() {
    QFETCH(QString, kind);
    const QString message = refusal(vocabulary(qPrintable(kind), {{"a"}}));
    QVERIFY2(message.contains("\"" + kind + "\" is not supported"), qPrintable(message));
  }

  void listsThatDoNotFit() {
    GgufBuilder file = vocabulary("gpt2", {{"a"}, {"b"}});
    QVERIFY(refusal(file).contains("merges"));
    setMerges(file, {});
    QVERIFY(refusal(file).isEmpty());
    file.set("tokenizer.ggml.token_type", 9, GgufBuilder::array(5, 1, GgufBuilder::bytesOf<std::int32_t>(1)));
    QVERIFY2(refusal(file).contains("1 token types for 2 tokens"), qPrintable(refusal(file)));
    file.remove("tokenizer.ggml.token_type");
    file.setCount("tokenizer.ggml.eot_token_id", 2);
    QVERIFY2(refusal(file).contains("eot_token_id is 2"), qPrintable(refusal(file)));
  }

  void chatTemplate() {
    GgufBuilder file = vocabulary("gpt2", {{"a"}});
    const std::string path = m_folder.filePath("template.gguf").toStdString();
    std::ofstream(path, std::ios::binary) << file.build();
    QCOMPARE(formats::readChatTemplate(formats::GgufFile(path)), std::string());
    file.setText("tokenizer.chat_template", "{{ messages }}");
    std::ofstream(path, std::ios::binary) << file.build();
    QCOMPARE(formats::readChatTemplate(formats::GgufFile(path)), std::string("{{ messages }}"));
  }
};

QTEST_GUILESS_MAIN(TstGgufTokenizer)
#include "tst_gguf_tokenizer.moc"
