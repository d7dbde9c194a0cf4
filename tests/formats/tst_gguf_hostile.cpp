#include <QTest>
#include <filesystem>
#include <functional>
#include <limits>
#include <random>

#include "core/formats/gguf/gguf_file.h"
#include "core/formats/gguf/gguf_model.h"
#include "core/model/error.h"
#include "tests/support/fixtures.h"
#include "tests/support/gguf_builder.h"

using namespace headroom;
using tests::GgufBuilder;

namespace {
constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
constexpr qint64 kPatienceMs = 500;

/// A file made wrong in one way, and a part of the sentence that says so.
struct HostileCase {
  const char* name;
  std::function<void(GgufBuilder&)> spoil;
  const char* fragment;
};

std::string tokenList(std::uint64_t count) {
  std::string elements;
  for (std::uint64_t i = 0; i < count; ++i) elements += GgufBuilder::text("t" + std::to_string(i));
  return GgufBuilder::array(8, count, elements);
}

const std::vector<HostileCase>& structureCases() {
  static const std::vector<HostileCase> cases = {
      {"wrong magic", [](auto& f) { f.magic = "GGML"; }, "starts with \"GGML\", expected \"GGUF\""},
      {"binary magic", [](auto& f) { f.magic = std::string("\n\r\0\x01", 4); }, "not a GGUF file"},
      {"version 0", [](auto& f) { f.version = 0; }, "version 0, expected 2 or 3"},
      {"version 1", [](auto& f) { f.version = 1; }, "version 1, expected 2 or 3"},
      {"version 99", [](auto& f) { f.version = 99; }, "version 99, expected 2 or 3"},
      {"big-endian", [](auto& f) { f.version = 0x03000000; }, "big-endian"},
      {"more metadata than bytes", [](auto& f) { f.metadataCountError = 1'000'000'000; }, "metadata entries"},
      {"negative metadata count", [](auto& f) { f.metadataCountError = -100; }, "metadata entries"},
      {"one metadata entry too many", [](auto& f) { f.metadataCountError = 1; }, "the file ends inside"},
      {"one metadata entry too few", [](auto& f) { f.metadataCountError = -1; }, ""},
      {"more tensors than bytes", [](auto& f) { f.tensorCountError = 4'000'000'000; },
       "claims 4000000012 tensors"},
      {"negative tensor count", [](auto& f) { f.tensorCountError = -100; }, "tensors"},
      {"duplicate metadata key", [](auto& f) { f.metadata.push_back(f.metadata[1]); },
       "\"llama.block_count\" appears twice"},
      {"empty metadata key",
       [](auto& f) {
         f.metadata.push_back({"", 4, GgufBuilder::bytesOf(1)});
       },
       "has 0 bytes"},
      {"unknown metadata type", [](auto& f) { f.set("general.x", 77, "abcd"); },
       "has type 77, expected 0 to 12"},
      {"text longer than the file", [](auto& f) { f.set("general.name", 8, GgufBuilder::bytesOf(kHuge)); },
       "the file ends inside"},
      {"text length wraps around", [](auto& f) { f.set("general.name", 8, GgufBuilder::bytesOf(kHuge - 7)); },
       "the file ends inside"},
      {"array of arrays", [](auto& f) { f.set("general.x", 9, GgufBuilder::array(9, 1000000, "")); },
       "array of arrays"},
      {"array of unknown type", [](auto& f) { f.set("general.x", 9, GgufBuilder::array(50, 1, "abcd")); },
       "has type 50"},
      {"array of 2^60 numbers",
       [](auto& f) { f.set("general.x", 9, GgufBuilder::array(10, 1ull << 60, "")); },
       "expected at most 4194304"},
      {"array of 4 million texts that are not there",
       [](auto& f) { f.set("general.x", 9, GgufBuilder::array(8, 4000000, "")); },
       "metadata key \"general.x\""},
      {"alignment 0", [](auto& f) { f.setCount("general.alignment", 0); }, "general.alignment is 0"},
      {"alignment 24", [](auto& f) { f.setCount("general.alignment", 24); }, "general.alignment is 24"},
      {"alignment 2^31", [](auto& f) { f.setCount("general.alignment", 1u << 31); },
       "general.alignment is 2147483648"},
      {"alignment as text", [](auto& f) { f.setText("general.alignment", "32"); },
       "is of type text, expected an integer"},
      {"duplicate tensor", [](auto& f) { f.tensor("blk.0.ffn_up.weight").name = "blk.0.ffn_gate.weight"; },
       "appears twice"},
      {"tensor without a name", [](auto& f) { f.tensor("output.weight").name = ""; }, "has 0 bytes"},
      {"tensor of no dimensions", [](auto& f) { f.tensor("output.weight").sizes = {}; },
       "0 dimensions, expected 1 to 4"},
      {"tensor of 5 dimensions",
       [](auto& f) {
         f.tensor("output.weight").sizes = {32, 4, 1, 1, 1};
       },
       "5 dimensions, expected 1 to 4"},
      {"tensor with a zero dimension",
       [](auto& f) {
         f.tensor("output.weight").sizes = {32, 0};
       },
       "is 0, expected 1 to"},
      {"tensor with a dimension of 2^63",
       [](auto& f) {
         f.tensor("output.weight").sizes = {1ull << 63, 4};
       },
       "9223372036854775808, expected 1 to"},
      {"tensor whose element count overflows",
       [](auto& f) {
         f.tensor("output.weight").sizes = {1u << 30, 1u << 30, 1u << 30, 1u << 30};
       },
       "does not fit"},
      {"tensor of 100 GB",
       [](auto& f) {
         f.tensor("output.weight").sizes = {32, 800'000'000};
       },
       "does not fit"},
      {"tensor one row too long",
       [](auto& f) {
         f.tensor("output.weight").sizes = {32, 5};
       },
       "does not fit"},
      {"offset beyond the file", [](auto& f) { f.tensor("output.weight").offset = 1ull << 40; },
       "starts at offset 1099511627776"},
      {"offset overflows", [](auto& f) { f.tensor("output.weight").offset = kHuge - 31; },
       "starts at offset 18446744073709551584"},
      {"misaligned offset", [](auto& f) { f.tensor("output_norm.weight").offset += 4; },
       "expected a multiple of 32"},
      {"overlapping tensors",
       [](auto& f) { f.tensor("blk.0.ffn_up.weight").offset = f.tensor("blk.0.ffn_gate.weight").offset; },
       "overlap"},
      {"tensors that overlap by one block", [](auto& f) { f.tensor("blk.0.ffn_up.weight").offset -= 32; },
       "overlap"},
  };
  return cases;
}

const std::vector<HostileCase>& modelCases() {
  static const std::vector<HostileCase> cases = {
      {"no architecture", [](auto& f) { f.remove("general.architecture"); },
       "\"general.architecture\" is missing"},
      {"another architecture", [](auto& f) { f.setText("general.architecture", "mamba"); },
       "architecture \"mamba\" is not supported; the nearest that is: "},
      {"architecture as a number", [](auto& f) { f.setCount("general.architecture", 3); }, "expected text"},
      {"line feeds in the architecture", [](auto& f) { f.setText("general.architecture", "a\nb\nc"); },
       "\"a?b?c\" is not supported"},
      {"no layer count", [](auto& f) { f.remove("llama.block_count"); }, "\"llama.block_count\" is missing"},
      {"no head count", [](auto& f) { f.remove("llama.attention.head_count"); }, "head_count\" is missing"},
      {"no context length", [](auto& f) { f.remove("llama.context_length"); }, "context_length\" is missing"},
      {"no epsilon", [](auto& f) { f.remove("llama.attention.layer_norm_rms_epsilon"); },
       "epsilon\" is missing"},
      {"epsilon NaN", [](auto& f) { f.setFloat("llama.attention.layer_norm_rms_epsilon", NAN); },
       "expected a positive number"},
      {"RoPE base 0", [](auto& f) { f.setFloat("llama.rope.freq_base", 0.0f); },
       "expected a positive number"},
      {"zero layers", [](auto& f) { f.setCount("llama.block_count", 0); }, "block_count is 0"},
      {"4 billion layers", [](auto& f) { f.setCount("llama.block_count", 4294967295u); },
       "block_count is 4294967295"},
      {"60,000 layers", [](auto& f) { f.setCount("llama.block_count", 60000); }, "12 tensors hold at most 2"},
      {"two layers, one there", [](auto& f) { f.setCount("llama.block_count", 2); },
       "\"blk.1.attn_norm.weight\" is missing"},
      {"zero query heads", [](auto& f) { f.setCount("llama.attention.head_count", 0); }, "head_count is 0"},
      {"zero KV heads", [](auto& f) { f.setCount("llama.attention.head_count_kv", 0); },
       "head_count_kv is 0"},
      {"query heads that do not divide", [](auto& f) { f.setCount("llama.attention.head_count", 5); },
       "do not divide"},
      {"query heads against the head size", [](auto& f) { f.setCount("llama.attention.head_count", 8); },
       "8 elements of a head are rotated, expected an even number up to 4"},
      {"query heads per layer",
       [](auto& f) {
         f.set("llama.attention.head_count", 9, GgufBuilder::array(4, 1, GgufBuilder::bytesOf(4)));
       },
       "is of type array, expected an integer"},
      {"query heads not a multiple of KV heads",
       [](auto& f) {
         f.tensor("blk.0.attn_k.weight").sizes = {32, 24};
         f.tensor("blk.0.attn_v.weight").sizes = {32, 24};
         for (auto& t : f.tensors) t.offset *= 2;  // room for the longer ones
       },
       "4 query heads are not a multiple of 3 KV heads"},
      {"key and value of different heads",
       [](auto& f) {
         f.tensor("blk.0.attn_v.weight").sizes = {32, 8};
       },
       "expected the same"},
      {"key not a multiple of the head size",
       [](auto& f) {
         f.tensor("blk.0.attn_k.weight").sizes = {32, 12};
         f.tensor("blk.0.attn_v.weight").sizes = {32, 12};
       },
       "expected a multiple of the head size 8"},
      {"key and value length differ", [](auto& f) { f.setCount("llama.attention.value_length", 16); },
       "value_length is 16"},
      {"RoPE wider than a head", [](auto& f) { f.setCount("llama.rope.dimension_count", 16); },
       "16 elements of a head are rotated, expected an even number up to 8"},
      {"RoPE over an odd number", [](auto& f) { f.setCount("llama.rope.dimension_count", 3); },
       "expected an even number"},
      {"RoPE scaling", [](auto& f) { f.setText("llama.rope.scaling.type", "dynamic"); },
       "\"dynamic\" is not supported, expected none, linear, yarn or longrope"},
      {"RoPE scaled twice",
       [](auto& f) {
         f.setText("llama.rope.scaling.type", "yarn");
         f.addTensor("rope_freqs.weight", {4});
       },
       "scales RoPE twice"},
      {"too few RoPE factors", [](auto& f) { f.addTensor("rope_freqs.weight", {3}); },
       "3 RoPE factors, expected one for each of 4 pairs"},
      {"a RoPE factor of 0", [](auto& f) { f.addTensor("rope_freqs.weight", {4}, 0.0f); },
       "a RoPE factor is 0, expected a positive number"},
      {"experts", [](auto& f) { f.setCount("llama.expert_count", 8); }, "8 experts"},
      {"a norm of heads", [](auto& f) { f.addTensor("blk.0.attn_q_norm.weight", {8}); },
       "\"blk.0.attn_q_norm.weight\" is not part"},
      {"a bias of another width", [](auto& f) { f.addTensor("blk.0.attn_q.bias", {16}); },
       "1 x 16, expected 1 x 32"},
      {"embedding length wrong", [](auto& f) { f.setCount("llama.embedding_length", 64); },
       "expected 4 x 64"},
      {"feed-forward length wrong", [](auto& f) { f.setCount("llama.feed_forward_length", 48); },
       "expected 48 x 32"},
      {"down projection transposed",
       [](auto& f) {
         f.tensor("blk.0.ffn_down.weight").sizes = {32, 64};
       },
       "64 x 32, expected 32 x 64"},
      {"norm of another width", [](auto& f) { f.tensor("output_norm.weight").sizes = {16}; },
       "1 x 16, expected 1 x 32"},
      {"missing norm", [](auto& f) { f.removeTensor("blk.0.ffn_norm.weight"); },
       "\"blk.0.ffn_norm.weight\" is missing"},
      {"missing key projection", [](auto& f) { f.removeTensor("blk.0.attn_k.weight"); },
       "\"blk.0.attn_k.weight\" is missing"},
      {"missing embedding", [](auto& f) { f.removeTensor("token_embd.weight"); },
       "\"token_embd.weight\" is missing"},
      {"no tensors at all", [](auto& f) { f.tensors.clear(); }, "is missing"},
      {"an IQ4_XS tensor", [](auto& f) { f.tensor("blk.0.attn_q.weight").type = 23; }, "stored as IQ4_XS"},
      {"Q4_K rows of 32", [](auto& f) { f.tensor("blk.0.attn_q.weight").type = 12; },
       "is Q4_K with rows of 32 elements, expected a multiple of 256"},
      {"a tensor of no known type", [](auto& f) { f.tensor("blk.0.attn_q.weight").type = 4242; },
       "stored as type 4242"},
      {"Q8_0 rows of 16",
       [](auto& f) {
         f.tensor("output_norm.weight").type = 8;
         f.tensor("output_norm.weight").sizes = {16};
       },
       "expected a multiple of 32"},
      {"NaN in F32",
       [](auto& f) { f.tensor("blk.0.ffn_up.weight").data.replace(400, 4, GgufBuilder::bytesOf(NAN)); },
       "\"blk.0.ffn_up.weight\" holds NaN or infinity at element 100"},
      {"infinity in a norm",
       [](auto& f) { f.tensor("output_norm.weight").data.replace(0, 4, GgufBuilder::bytesOf(-INFINITY)); },
       "\"output_norm.weight\" holds NaN or infinity at element 0"},
      {"NaN in F16",
       [](auto& f) {
         auto& tensor = f.tensor("blk.0.ffn_up.weight");
         tensor.type = 1;
         tensor.data.assign(32 * 64 * 2, '\0');
         tensor.data.replace(10, 2, "\xFF\x7F");
       },
       "\"blk.0.ffn_up.weight\" holds NaN or infinity at element 5"},
      {"infinite scale in Q8_0",
       [](auto& f) {
         auto& tensor = f.tensor("blk.0.ffn_up.weight");
         tensor.type = 8;
         tensor.data.assign(64 * 34, '\0');
         tensor.data.replace(34 * 3, 2, std::string("\x00\x7C", 2));
       },
       "\"blk.0.ffn_up.weight\" holds NaN or infinity at element 96"},
      {"unknown tokenizer", [](auto& f) { f.setText("tokenizer.ggml.model", "bert"); },
       "kind \"bert\" is not supported"},
      {"unknown pre-tokenizer",
       [](auto& f) {
         f.setText("tokenizer.ggml.model", "gpt2");
         f.setText("tokenizer.ggml.pre", "no-such-words");
         f.set("tokenizer.ggml.merges", 9, GgufBuilder::array(8, 0, ""));
       },
       "\"no-such-words\""},
      {"more tokens than embedding rows",
       [](auto& f) {
         f.setText("tokenizer.ggml.model", "gpt2");
         f.remove("tokenizer.ggml.token_type");
         f.set("tokenizer.ggml.tokens", 9, tokenList(9));
         f.set("tokenizer.ggml.merges", 9, GgufBuilder::array(8, 0, ""));
       },
       "9 tokens, but the embedding has 4 rows"},
      {"fewer scores than tokens",
       [](auto& f) {
         f.set("tokenizer.ggml.scores", 9, GgufBuilder::array(6, 1, GgufBuilder::bytesOf(0.0f)));
       },
       "1 scores for 4 tokens"},
      {"no scores", [](auto& f) { f.remove("tokenizer.ggml.scores"); }, "scores\" is missing"},
      {"tokens as numbers",
       [](auto& f) { f.set("tokenizer.ggml.tokens", 9, GgufBuilder::array(4, 1, "abcd")); },
       "expected an array of text"},
      {"token type 9",
       [](auto& f) {
         using B = GgufBuilder;
         f.set("tokenizer.ggml.token_type", 9,
               B::array(5, 4, B::bytesOf(9) + B::bytesOf(1) + B::bytesOf(1) + B::bytesOf(1)));
       },
       "token type 9 of token 0"},
      {"end token outside the vocabulary", [](auto& f) { f.setCount("tokenizer.ggml.eos_token_id", 4); },
       "eos_token_id is 4, expected less than the 4 tokens"},
      {"merge that is not two tokens",
       [](auto& f) {
         f.setText("tokenizer.ggml.model", "gpt2");
         f.set("tokenizer.ggml.merges", 9, GgufBuilder::array(8, 1, GgufBuilder::text("ab")));
       },
       "expected two tokens with a space between them"},
  };
  return cases;
}

/// The sentence with which a file is refused, or its tokenizer, without which a model opens; empty when all
/// is well. It must come fast and be one line.
std::string refusal(const std::string& path) {
  QElapsedTimer timer;
  timer.start();
  std::string sentence;
  try {
    const model::Model model = formats::loadGguf(path);
    if (!model.notes.empty()) sentence = path + ": " + model.notes.front();
  } catch (const model::Error& error) {
    sentence = error.what();
  }
  if (timer.elapsed() > kPatienceMs) return "took too long: " + sentence;
  return sentence;
}
}  // namespace

class TstGgufHostile : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  std::string path(const char* name = "case.gguf") const { return m_folder.filePath(name).toStdString(); }
  void write(const std::string& bytes) const {
    std::ofstream file(path(), std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  void addCases(const std::vector<HostileCase>& cases) {
    QTest::addColumn<int>("index");
    for (std::size_t i = 0; i < cases.size(); ++i) QTest::newRow(cases[i].name) << static_cast<int>(i);
  }
  void check(const HostileCase& hostile) {
    GgufBuilder file = GgufBuilder::smallLlama();
    hostile.spoil(file);
    write(file.build());
    const std::string sentence = refusal(path());
    QVERIFY2(!sentence.empty(), "it was loaded");
    QVERIFY2(sentence.find(hostile.fragment) != std::string::npos, sentence.c_str());
    QVERIFY2(sentence.starts_with(path() + ": "), sentence.c_str());
    QVERIFY2(sentence.find('\n') == std::string::npos, sentence.c_str());
    QVERIFY2(sentence.size() < path().size() + 300, sentence.c_str());
  }

 private slots:
  /// Without this the tables below could pass on a builder that is broken itself.
  void theUnspoiltFileLoads() {
    write(GgufBuilder::smallLlama().build());
    const model::Model model = formats::loadGguf(path());
    QVERIFY(model.config.attention == (model::AttentionShape{4, 2, 8}));
    QVERIFY(model.contradictions.empty());
    QVERIFY(!model.weights.tied());
    QVERIFY(model.tokenizer->encode("ab") == (std::vector<int>{0, 3}));  // the space has no token here
  }

  void structure_data() { addCases(structureCases()); }
  void structure() {
    QFETCH(int, index);
    check(structureCases()[static_cast<std::size_t>(index)]);
  }

  void model_data() { addCases(modelCases()); }
  void model() {
    QFETCH(int, index);
    check(modelCases()[static_cast<std::size_t>(index)]);
  }

  void enoughCases() { QVERIFY(structureCases().size() + modelCases().size() >= 35); }

  void notAFile_data() {
    QTest::addColumn<QString>("target");
    QTest::addColumn<QString>("fragment");
    QTest::newRow("missing") << m_folder.filePath("nothing.gguf") << "Cannot open";
    QTest::newRow("folder") << m_folder.path() << "is a folder, expected a file";
    QTest::newRow("device") << "/dev/zero"
                            << "is a device or pipe";
    QFile::remove(m_folder.filePath("empty.gguf"));
    QFile empty(m_folder.filePath("empty.gguf"));
    QVERIFY(empty.open(QIODevice::WriteOnly));
    QTest::newRow("empty file") << m_folder.filePath("empty.gguf") << "is empty (0 bytes)";
  }
  void notAFile() {
    QFETCH(QString, target);
    QFETCH(QString, fragment);
    const std::string sentence = refusal(target.toStdString());
    QVERIFY2(QString::fromStdString(sentence).contains(fragment), sentence.c_str());
  }

  /// A header that claims 100 GB, in a sparse file that really has that size.
  void hugeSparseFile() {
    GgufBuilder file = GgufBuilder::smallLlama();
    file.metadataCountError = 1'000'000'000;
    write(file.build());
    std::filesystem::resize_file(path(), 100'000'000'000ull);
    QVERIFY(refusal(path()).find("metadata key") != std::string::npos);
    GgufBuilder tensors = GgufBuilder::smallLlama();
    tensors.tensorCountError = 1'000'000'000;
    write(tensors.build());
    std::filesystem::resize_file(path(), 100'000'000'000ull);
    QVERIFY(refusal(path()).find("tensor name") != std::string::npos);
  }

  void truncatedAtEveryByte() {
    const std::string whole = GgufBuilder::smallLlama().build();
    for (std::size_t length = 1; length < whole.size(); length += length < 4096 ? 1 : 509) {
      write(whole.substr(0, length));
      const std::string sentence = refusal(path());
      QVERIFY2(!sentence.empty() && sentence.find("too long:") == std::string::npos,
               qPrintable(QString("cut to %1 bytes: %2").arg(length).arg(sentence.c_str())));
    }
  }

  /// Whatever bits flip, the file loads or is refused by an Error; anything else ends the process here, and
  /// under the sanitizers.
  void bitFlips() {
    const std::string whole = GgufBuilder::smallLlama().build();
    const std::size_t headerBytes = 2600;
    std::mt19937 random(20240607);
    int refused = 0;
    constexpr int kRounds = 3000;
    for (int round = 0; round < kRounds; ++round) {
      std::string bytes = whole;
      const int flips = 1 + static_cast<int>(random() % 4);
      for (int i = 0; i < flips; ++i) {
        // Mostly in header, metadata and tensor table, where everything is decided.
        const std::size_t reach = round % 8 == 0 ? bytes.size() : headerBytes;
        bytes[random() % reach] ^= static_cast<char>(1u << (random() % 8));
      }
      write(bytes);
      const std::string sentence = refusal(path());
      QVERIFY2(sentence.find("too long:") == std::string::npos, sentence.c_str());
      QVERIFY2(sentence.find('\n') == std::string::npos, sentence.c_str());
      refused += sentence.empty() ? 0 : 1;
    }
    qInfo("%d of %d refused", refused, kRounds);
    QVERIFY(refused > kRounds / 4);
  }
};

QTEST_GUILESS_MAIN(TstGgufHostile)
#include "tst_gguf_hostile.moc"
