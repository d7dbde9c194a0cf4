#include "core/formats/gguf_writer.h"

#include <fmt/format.h>

#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/formats/atomic_file.h"
#include "core/formats/gguf_file.h"
#include "core/formats/gguf_layout.h"
#include "core/model/byte_level_bpe.h"
#include "core/model/error.h"
#include "core/model/sentencepiece_bpe.h"

namespace headroom::formats {

static_assert(std::endian::native == std::endian::little, "GGUF files are written as the memory lies");

namespace {
using model::Error;
using model::Storage;

constexpr std::uint32_t kVersion = 3;
constexpr std::uint64_t kAlignment = 32;
constexpr std::uint64_t kQ8BlockSize = model::kQ8BlockElements;

/// Collects the bytes of header, metadata and tensor table; they are small.
class Header {
 public:
  template <typename Number>
  void number(Number value) {
    const auto start = m_bytes.size();
    m_bytes.resize(start + sizeof value);
    std::memcpy(m_bytes.data() + start, &value, sizeof value);
  }
  void string(std::string_view text) {
    number<std::uint64_t>(text.size());
    m_bytes += text;
  }

  void entry(std::string_view key, std::uint32_t value) { begin(key, GgufType::Uint32), number(value); }
  void entry(std::string_view key, float value) { begin(key, GgufType::Float32), number(value); }
  void entry(std::string_view key, std::string_view text) { begin(key, GgufType::String), string(text); }
  void flag(std::string_view key, bool value) {
    begin(key, GgufType::Bool), number<std::uint8_t>(value ? 1 : 0);
  }
  void entry(std::string_view key, const std::vector<std::string>& texts) {
    beginArray(key, GgufType::String, texts.size());
    for (const std::string& text : texts) string(text);
  }
  void entry(std::string_view key, const std::vector<float>& values) {
    beginArray(key, GgufType::Float32, values.size());
    for (float value : values) number(value);
  }
  void entry(std::string_view key, const std::vector<model::TokenType>& types) {
    beginArray(key, GgufType::Int32, types.size());
    for (model::TokenType type : types) number(static_cast<std::int32_t>(type));
  }

  std::uint64_t entryCount() const { return m_entryCount; }
  const std::string& bytes() const { return m_bytes; }

 private:
  void begin(std::string_view key, GgufType type) {
    ++m_entryCount;
    string(key);
    number(static_cast<std::uint32_t>(type));
  }
  void beginArray(std::string_view key, GgufType type, std::uint64_t count) {
    begin(key, GgufType::Array);
    number(static_cast<std::uint32_t>(type));
    number(count);
  }

  std::string m_bytes;
  std::uint64_t m_entryCount = 0;
};

std::uint32_t fileType(Storage matrices) {
  switch (matrices) {
    case Storage::F32:
      return 0;
    case Storage::F16:
      return 1;
    case Storage::Q8_0:
      return 7;
    default:
      assert(false);
  }
  return 0;
}

void addConfig(Header& header, const model::ModelConfig& config, Storage matrices) {
  const auto count = [](int value) { return static_cast<std::uint32_t>(value); };
  header.entry("general.architecture", std::string_view("llama"));
  header.entry("general.name", std::string_view(config.name));
  header.entry("general.alignment", static_cast<std::uint32_t>(kAlignment));
  header.entry("general.file_type", fileType(matrices));
  header.entry("llama.vocab_size", count(config.vocabSize));
  header.entry("llama.context_length", count(config.contextLength));
  header.entry("llama.embedding_length", count(config.modelDim));
  header.entry("llama.block_count", count(config.layerCount));
  header.entry("llama.feed_forward_length", count(config.ffnDim));
  header.entry("llama.attention.head_count", count(config.attention.queryHeadCount));
  header.entry("llama.attention.head_count_kv", count(config.attention.kvHeadCount));
  header.entry("llama.attention.key_length", count(config.attention.headDim));
  header.entry("llama.attention.value_length", count(config.attention.headDim));
  header.entry("llama.attention.layer_norm_rms_epsilon", config.normEpsilon);
  header.entry("llama.rope.dimension_count", count(config.ropeDim));
  header.entry("llama.rope.freq_base", config.ropeBase);
}

void addSpecial(Header& header, std::string_view key, int token) {
  if (token >= 0) header.entry(key, static_cast<std::uint32_t>(token));
}

void addTokenizer(Header& header, const model::Tokenizer* tokenizer) {
  if (!tokenizer) {
    header.entry("tokenizer.ggml.model", std::string_view("none"));
    return;
  }
  if (const auto* bytes = dynamic_cast<const model::ByteLevelBpe*>(tokenizer)) {
    const model::ByteLevelBpeData& data = bytes->data();
    header.entry("tokenizer.ggml.model", std::string_view("gpt2"));
    header.entry("tokenizer.ggml.pre", std::string_view(data.preTokenizer));
    header.entry("tokenizer.ggml.tokens", data.tokens);
    header.entry("tokenizer.ggml.token_type",
                 data.tokenTypes.empty()
                     ? std::vector<model::TokenType>(data.tokens.size(), model::TokenType::Normal)
                     : data.tokenTypes);
    header.entry("tokenizer.ggml.merges", data.merges);
  } else if (const auto* pieces = dynamic_cast<const model::SentencePieceBpe*>(tokenizer)) {
    const model::SentencePieceBpeData& data = pieces->data();
    header.entry("tokenizer.ggml.model", std::string_view("llama"));
    header.entry("tokenizer.ggml.pre", std::string_view("default"));
    header.entry("tokenizer.ggml.tokens", data.tokens);
    header.entry("tokenizer.ggml.scores", data.scores);
    header.entry("tokenizer.ggml.token_type", data.tokenTypes);
    addSpecial(header, "tokenizer.ggml.unknown_token_id", data.unknownToken);
    header.flag("tokenizer.ggml.add_space_prefix", data.addSpacePrefix);
  }
  addSpecial(header, "tokenizer.ggml.bos_token_id", tokenizer->beginToken());
  addSpecial(header, "tokenizer.ggml.eos_token_id", tokenizer->endToken());
  header.flag("tokenizer.ggml.add_bos_token", tokenizer->beginToken() >= 0);
}

std::uint64_t aligned(std::uint64_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

Storage storageFor(const TensorSlot& slot, Storage matrices) {
  return slot.rows == 1 ? Storage::F32 : matrices;
}

/// One row as it is stored. Values that the storage cannot hold are refused by name.
std::string encodeRow(const TensorSlot& slot, std::span<const float> row, Storage storage) {
  constexpr float kLargestHalf = 65504.0f;
  const float limit = storage == Storage::F16    ? kLargestHalf
                      : storage == Storage::Q8_0 ? kLargestHalf * 127.0f
                                                 : std::numeric_limits<float>::max();
  for (float value : row) {
    if (!(std::abs(value) <= limit)) {
      throw Error(fmt::format("Tensor \"{}\" holds {}, expected at most {} in {}", slot.name, value, limit,
                              shortName(storage)));
    }
  }
  std::string bytes;
  model::appendRow(storage, row, bytes);
  return bytes;
}

void pad(AtomicFile& file) {
  constexpr char kZeros[kAlignment] = {};
  file.write(std::string_view(kZeros, aligned(file.bytesWritten()) - file.bytesWritten()));
}

void writeTensor(AtomicFile& file, const TensorSlot& slot, const model::Tensor& tensor, Storage storage) {
  pad(file);
  std::vector<float> row(static_cast<std::size_t>(slot.columns));
  for (std::int64_t i = 0; i < slot.rows; ++i) {
    tensor.readRow(i, row);
    file.write(encodeRow(slot, row, storage));
  }
}
}  // namespace

void writeGguf(const GgufSource& source, const std::string& path, Storage matrices) {
  assert(source.config.ropePairing == model::RopePairing::Adjacent);
  // The layout's slots point into a copy of the tensor descriptions, which is cheap and lets the source be
  // const.
  model::Weights weights = source.weights;
  std::vector<TensorSlot> slots = llamaTensors(source.config, weights);
  if (source.weights.tied()) slots.pop_back();

  Header metadata;
  addConfig(metadata, source.config, matrices);
  for (const auto& [key, text] : source.notes) metadata.entry(key, std::string_view(text));
  addTokenizer(metadata, source.tokenizer);

  Header table;
  std::uint64_t offset = 0;
  for (const TensorSlot& slot : slots) {
    assert(slot.tensor->rows == slot.rows && slot.tensor->columns == slot.columns);
    const Storage storage = storageFor(slot, matrices);
    if (storage == Storage::Q8_0 && slot.columns % static_cast<std::int64_t>(kQ8BlockSize) != 0) {
      throw Error(fmt::format("Tensor \"{}\" has rows of {} elements, Q8_0 needs a multiple of {}", slot.name,
                              slot.columns, kQ8BlockSize));
    }
    table.string(slot.name);
    table.number<std::uint32_t>(slot.rows == 1 ? 1 : 2);
    table.number<std::uint64_t>(static_cast<std::uint64_t>(slot.columns));
    if (slot.rows != 1) table.number<std::uint64_t>(static_cast<std::uint64_t>(slot.rows));
    table.number<std::uint32_t>(ggufTensorType(storage));
    table.number<std::uint64_t>(offset);
    offset = aligned(offset + model::rowBytes(storage, static_cast<std::uint64_t>(slot.columns)) *
                                  static_cast<std::uint64_t>(slot.rows));
  }

  Header start;
  start.number<std::uint32_t>(0x46554747);  // "GGUF"
  start.number<std::uint32_t>(kVersion);
  start.number<std::uint64_t>(slots.size());
  start.number<std::uint64_t>(metadata.entryCount());

  AtomicFile file(path);
  file.write(start.bytes());
  file.write(metadata.bytes());
  file.write(table.bytes());
  for (const TensorSlot& slot : slots) {
    writeTensor(file, slot, *slot.tensor, storageFor(slot, matrices));
  }
  pad(file);
  file.commit();
}

}  // namespace headroom::formats
