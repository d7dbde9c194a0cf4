// make_seeds FOLDER writes small sound inputs for every target into FOLDER/<target>, from which fuzzing
// starts.
#include <cstdio>

#include "core/formats/gguf/gguf_writer.h"
#include "core/formats/hugging_face/hugging_face_model.h"
#include "core/formats/kept/calibration_file.h"
#include "core/formats/kept/ceilings_file.h"
#include "core/formats/npy.h"
#include "core/lanes/experiment.h"
#include "core/model/error.h"
#include "core/model/step_record_bytes.h"
#include "core/text/byte_alphabet.h"
#include "tests/formats/hugging_face_families.h"
#include "tests/support/gguf_builder.h"

using namespace headroom;
using namespace tests;

namespace {
namespace fs = std::filesystem;

class Seeds {
 public:
  explicit Seeds(fs::path folder) : m_folder(std::move(folder)) {}

  void add(const std::string& target, const std::string& name, const std::string& bytes) const {
    fs::create_directories(m_folder / target);
    std::ofstream(m_folder / target / name, std::ios::binary) << bytes;
  }
  /// Two parts as TwoParts in fuzz_support.h takes them apart.
  void addTwo(const std::string& target, const std::string& name, const std::string& first,
              const std::string& second) const {
    add(target, name, GgufBuilder::bytesOf(static_cast<std::uint32_t>(first.size())) + first + second);
  }
  std::string folderOf(const std::string& target) const {
    fs::create_directories(m_folder / target);
    return (m_folder / target).string();
  }

 private:
  fs::path m_folder;
};

std::string bytesOfFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The small llama with its matrices in another storage, all zeros.
GgufBuilder stored(model::Storage storage) {
  GgufBuilder file = GgufBuilder::smallLlama();
  std::uint64_t offset = 0;
  for (GgufBuilder::TensorEntry& tensor : file.tensors) {
    if (tensor.sizes.size() == 2) {
      tensor.type = model::formatOf(storage).ggufType;
      tensor.data.assign(model::rowBytes(storage, tensor.sizes[0]) * tensor.sizes[1], '\0');
    }
    tensor.offset = offset;
    offset = (offset + tensor.data.size() + file.alignment - 1) / file.alignment * file.alignment;
  }
  return file;
}

void addGguf(const Seeds& seeds) {
  seeds.add("gguf", "llama", GgufBuilder::smallLlama().build());
  for (const model::StorageFormat& format : model::storageFormats()) {
    if (format.blockElements <= 32)
      seeds.add("gguf", std::string(format.name), stored(format.storage).build());
  }
  GgufBuilder bytes = GgufBuilder::smallLlama();
  bytes.setText("tokenizer.ggml.model", "gpt2");
  bytes.setText("tokenizer.ggml.pre", "llama-bpe");
  bytes.set("tokenizer.ggml.merges", 9, GgufBuilder::array(8, 1, GgufBuilder::text("a b")));
  bytes.setText("tokenizer.chat_template", "{{ messages }}");
  bytes.setText("llama.rope.scaling.type", "yarn");
  bytes.setFloat("llama.rope.scaling.factor", 2.0f);
  seeds.add("gguf", "gpt2-tokenizer", bytes.build());

  std::vector<GgufBuilder> parts(2);
  for (std::uint16_t number = 0; number < 2; ++number) {
    parts[number].set("split.no", 2, GgufBuilder::bytesOf(number));
    parts[number].set("split.count", 2, GgufBuilder::bytesOf<std::uint16_t>(2));
    parts[number].setCount("split.tensors.count", 2);
    parts[number].addTensor(number == 0 ? "a" : "b", {4, 2});
  }
  seeds.addTwo("gguf_set", "two", parts[0].build(), parts[1].build());
}

void addHuggingFace(const Seeds& seeds) {
  const fs::path scratch = fs::path(seeds.folderOf("scratch"));
  for (const Family& family : families()) {
    const Sample sample = sampleOf(family);
    std::string name = family.row;
    std::ranges::replace(name, ' ', '-');
    std::ranges::replace(name, ',', '-');
    const std::string config = sample.folder.config.dump();
    seeds.add("hugging_face_config", name, config);
    sample.folder.write(scratch.string());
    seeds.addTwo("hugging_face_model", name, config, bytesOfFile(scratch / "model.safetensors"));
    const model::Model model = formats::loadHuggingFace(scratch.string());
    formats::writeGguf({model.config, model.weights}, seeds.folderOf("gguf") + "/" + name,
                       model::Storage::F16);
  }
  const char* scalings[] = {
      R"("rope_scaling":{"type":"linear","factor":4.0})",
      R"("rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192})",
      R"("rope_parameters":{"rope_type":"yarn","rope_theta":1e6,"factor":4.0,"mscale":1.0,"mscale_all_dim":0.7})",
      R"("original_max_position_embeddings":128,"rope_scaling":{"type":"su","short_factor":[1,1],"long_factor":[2,2]})"};
  int number = 0;
  for (const char* scaling : scalings) {
    seeds.add(
        "hugging_face_config", "scaling-" + std::to_string(number++),
        std::string(
            R"({"model_type":"llama","hidden_size":64,"num_hidden_layers":2,"num_attention_heads":8,)") +
            R"("max_position_embeddings":512,)" + scaling + "}");
  }
  seeds.add("hugging_face_config", "generation",
            R"({"do_sample":true,"temperature":0.6,"top_k":20,"top_p":0.95})");

  const std::vector<float> values = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f};
  const std::vector<std::int32_t> ids = {1, 2};
  const formats::SafetensorsEntry entries[] = {formats::SafetensorsEntry::of("a", {2, 3}, values),
                                               formats::SafetensorsEntry::of("b", {2}, ids)};
  formats::writeSafetensors(seeds.folderOf("safetensors") + "/two", entries, {{"format", "pt"}});
  const std::vector<float> rows = {1.0f, 0.0f, 0.25f, 0.75f};
  const formats::SafetensorsEntry trace[] = {formats::SafetensorsEntry::of("tokens", {2}, ids),
                                             formats::SafetensorsEntry::of("attention.0", {1, 2, 2}, rows),
                                             formats::SafetensorsEntry::of("logits", {2, 3}, values)};
  formats::writeSafetensors(
      seeds.folderOf("trace") + "/small", trace,
      {{"format", "headroom-trace"},
       {"version", "1"},
       {"trace",
        R"({"layers":1,"query_heads":1,"kv_heads":1,"head_dim":4,"vocab_size":3,"pieces":{"1":"a"}})"}});
  const std::vector<float> row = {0.25f, 0.75f};
  const formats::SafetensorsEntry part[] = {formats::SafetensorsEntry::of("tokens", {2}, ids),
                                            formats::SafetensorsEntry::of("attention.1", {1, 1, 2}, row)};
  formats::writeSafetensors(
      seeds.folderOf("trace") + "/part", part,
      {{"format", "headroom-trace"},
       {"version", "1"},
       {"trace",
        R"({"layers":3,"query_heads":1,"kv_heads":1,"head_dim":4,"vocab_size":3,"recorded_layers":[1],)"
        R"("first_row":1,"row_count":1})"}});
  fs::remove_all(scratch);
}

constexpr const char* kSide = R"({"bos_token":"<s>","add_bos_token":true,"chat_template":"{{ messages }}"})";
constexpr const char* kBytes = R"({
  "added_tokens":[{"id":257,"content":"<s>","special":true,"normalized":false}],
  "normalizer":null,
  "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
  "decoder":{"type":"ByteLevel"},
  "model":{"type":"BPE","vocab":{},"merges":["h e"]}})";
constexpr const char* kSplit = R"({"type":"Sequence","pretokenizers":[
  {"type":"Split","pattern":{"Regex":"\\s+|\\w+"},"behavior":"Isolated","invert":false},
  {"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]})";
constexpr const char* kPieces = R"({
  "added_tokens":[{"id":0,"content":"<unk>","special":true}],
  "normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"\u2581"},
    {"type":"Replace","pattern":{"String":" "},"content":"\u2581"}]},
  "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},
    {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
  "model":{"type":"BPE","unk_token":"<unk>","byte_fallback":true,
    "vocab":{"<unk>":0,"\u2581":1,"a":2,"\u2581a":3,"<0x0A>":4},"merges":[["\u2581","a"]]}})";
constexpr const char* kUnigram = R"({
  "added_tokens":[{"id":0,"content":"<unk>","special":true}],
  "normalizer":null,
  "pre_tokenizer":{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always"},
  "decoder":{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always"},
  "model":{"type":"Unigram","unk_id":0,"byte_fallback":false,
    "vocab":[["<unk>",0.0],["\u2581",-1.0],["a",-2.0],["\u2581a",-1.5]]}})";

void addTokenizers(const Seeds& seeds) {
  nlohmann::json bytes = nlohmann::json::parse(kBytes);
  nlohmann::json& vocabulary = bytes["model"]["vocab"];
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary[std::string(text::spellByte(static_cast<std::uint8_t>(byte)))] = byte;
  }
  vocabulary["he"] = 256;
  seeds.addTwo("hugging_face_tokenizer", "bytes", bytes.dump(), kSide);
  bytes["pre_tokenizer"] = nlohmann::json::parse(kSplit);
  bytes["normalizer"]["type"] = "NFC";
  seeds.addTwo("hugging_face_tokenizer", "split", bytes.dump(), kSide);
  seeds.addTwo("hugging_face_tokenizer", "pieces", kPieces, "{}");
  seeds.addTwo("hugging_face_tokenizer", "unigram", kUnigram, "{}");
  seeds.add("tokenizer", "text", std::string(200, 'a') + "hello world he ll");
  const char* marks[] = {
      "<|im_start|> <|im_end|>",        "[INST] <<SYS>>",   "<start_of_turn> <end_of_turn>",
      "<|start_header_id|> <|eot_id|>", "<|user|> <|end|>", "### Instruction:"};
  for (std::size_t i = 0; i < std::size(marks); ++i) {
    seeds.addTwo("chat_template", std::to_string(i), marks[i], "  Hello \n");
  }
}

void addKeptFiles(const Seeds& seeds) {
  const std::string folder = seeds.folderOf("kept_files");
  formats::CeilingsFile(folder, "device", "driver")
      .save({.device = "device",
             .driver = "driver",
             .date = "2026-11-22",
             .copy = {{262144, 20.0}, {1048576, 15.0}},
             .read = {{262144, 22.0}, {1048576, 16.0}},
             .coldRead = {{262144, 3.0}},
             .fmaGflops = 60.0,
             .emptyDispatchUs = 100.0});
  const model::KernelPlan plan{.family = model::KernelFamily::Packed, .rowBlocks = 4};
  formats::CalibrationFile(folder, "device", "driver", "shape")
      .save({.device = "device",
             .driver = "driver",
             .shape = "shape",
             .date = "2026-11-22",
             .measured = "2 layers",
             .candidates = {{plan, 1.5}},
             .plan = plan});
  const std::vector<float> values = {1.0f, 2.0f};
  formats::writeNpy(seeds.folderOf("npy") + "/floats", {1, 2}, std::span<const float>(values));
  const std::vector<double> doubles = {1.0, 2.0};
  formats::writeNpy(seeds.folderOf("npy") + "/doubles", {2}, std::span<const double>(doubles));
}

void addExperiments(const Seeds& seeds) {
  const std::string folder = seeds.folderOf("experiment");
  lanes::writeExperiment({.lanes = {{"mha", 0, {}}}}, folder + "/small");
  lanes::writeExperiment({.lanes = {{"gqa", 3, {}},
                                    {"/m/a.gguf",
                                     1,
                                     {.kvType = model::KvType::F16,
                                      .batch = 8,
                                      .contextLength = 1024,
                                      .attention = model::AttentionKernel::Naive}}},
                          .prompt = "1, 2",
                          .promptForm = lanes::PromptForm::Ids,
                          .sampling = model::SamplingOptions::forReading(),
                          .tokensPerSecond = 20,
                          .feed = lanes::TokenFeed::FreeRun,
                          .fill = 300,
                          .whenTextEnds = lanes::WhenTextEnds::GoOn},
                         folder + "/whole");
}

void addStepRecords(const Seeds& seeds) {
  model::StepRecord record;
  record.tokens = {1, 2};
  record.position = 6;
  record.stages = {{.stage = model::Stage::Embedding}, {.stage = model::Stage::Logits, .gpuTimeMs = 0.5}};
  record.attention = {.layers = {0},
                      .queryHeads = {1},
                      .rowCount = 2,
                      .firstPosition = 6,
                      .pooling = 4,
                      .rowStride = 2,
                      .values = {1.0f, 0.5f, 0.5f, 0.25f}};
  record.candidates = {{7, 0.5f}, {9, 0.25f}};
  const auto add = [&](const char* name) {
    const std::vector<std::byte> bytes = model::stepRecordBytes(record);
    seeds.add("step_record", name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  add("step");
  record = {};
  add("empty");
}
}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: make_seeds FOLDER\n", stderr);
    return 2;
  }
  try {
    const Seeds seeds{fs::path(arguments[1])};
    addGguf(seeds);
    addHuggingFace(seeds);
    addTokenizers(seeds);
    addKeptFiles(seeds);
    addExperiments(seeds);
    addStepRecords(seeds);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
