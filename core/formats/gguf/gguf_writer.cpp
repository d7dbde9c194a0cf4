#include "core/formats/gguf/gguf_writer.h"

#include <fmt/format.h>

#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "core/formats/files/atomic_file.h"
#include "core/formats/gguf/gguf_file.h"
#include "core/formats/gguf/gguf_layout.h"
#include "core/model/error.h"
#include "core/text/byte_level_bpe.h"
#include "core/text/sentencepiece_bpe.h"

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
  void entry(std::string_view key, const std::vector<text::TokenType>& types) {
    beginArray(key, GgufType::Int32, types.size());
    for (text::TokenType type : types) number(static_cast<std::int32_t>(type));
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

std::string_view scalingName(model::RopeScalingKind kind) {
  switch (kind) {
    case model::RopeScalingKind::Linear:
      return "linear";
    case model::RopeScalingKind::Yarn:
      return "yarn";
    default:  // factors stand in a tensor, and are all there is
      return "none";
  }
}

/// Keys of RoPE, behind the architecture's prefix.
void addRope(Header& header, const std::string& prefix, const model::ModelConfig& config) {
  if (config.traits.positions != model::Positions::Rope) return;
  const model::RopeScaling& scaling = config.ropeScaling;
  header.entry(prefix + "rope.dimension_count", static_cast<std::uint32_t>(config.ropeDim));
  header.entry(prefix + "rope.freq_base", config.ropeBase);
  if (scaling.kind == model::RopeScalingKind::None) return;
  const bool isLong = !scaling.longFactors.empty();
  header.entry(prefix + "rope.scaling.type", isLong ? "longrope" : scalingName(scaling.kind));
  const bool inTensors =
      scaling.kind == model::RopeScalingKind::Factors || scaling.kind == model::RopeScalingKind::Llama3;
  if (scaling.factor != 1.0 && !inTensors)
    header.entry(prefix + "rope.scaling.factor", static_cast<float>(scaling.factor));
  if (scaling.originalContext > 0) {
    header.entry(prefix + "rope.scaling.original_context_length",
                 static_cast<std::uint32_t>(scaling.originalContext));
  }
  if (scaling.kind == model::RopeScalingKind::Yarn) {
    header.entry(prefix + "rope.scaling.yarn_beta_fast", static_cast<float>(scaling.betaFast));
    header.entry(prefix + "rope.scaling.yarn_beta_slow", static_cast<float>(scaling.betaSlow));
  }
  // Readers multiply YaRN's own magnitude by this one.
  const double own =
      scaling.kind == model::RopeScalingKind::Yarn ? 0.1 * std::log(scaling.factor) + 1.0 : 1.0;
  if (scaling.magnitude > 0.0 && scaling.magnitude != own) {
    header.entry(prefix + "rope.scaling.attn_factor", static_cast<float>(scaling.magnitude / own));
  }
}

void addConfig(Header& header, const model::ModelConfig& config, Storage matrices) {
  const auto count = [](int value) { return static_cast<std::uint32_t>(value); };
  const std::string prefix = config.architecture + ".";
  header.entry("general.architecture", std::string_view(config.architecture));
  header.entry("general.name", std::string_view(config.name));
  header.entry("general.alignment", static_cast<std::uint32_t>(kAlignment));
  header.entry("general.file_type", fileType(matrices));
  header.entry(prefix + "vocab_size", count(config.vocabSize));
  header.entry(prefix + "context_length", count(config.contextLength));
  header.entry(prefix + "embedding_length", count(config.modelDim));
  header.entry(prefix + "block_count", count(config.layerCount));
  header.entry(prefix + "feed_forward_length", count(config.ffnDim));
  header.entry(prefix + "attention.head_count", count(config.attention.queryHeadCount));
  header.entry(prefix + "attention.head_count_kv", count(config.attention.kvHeadCount));
  header.entry(prefix + "attention.key_length", count(config.attention.headDim));
  header.entry(prefix + "attention.value_length", count(config.attention.headDim));
  header.entry(prefix + (config.traits.norm == model::Norm::Rms ? "attention.layer_norm_rms_epsilon"
                                                                : "attention.layer_norm_epsilon"),
               config.normEpsilon);
  addRope(header, prefix, config);
  if (config.attentionScale > 0.0f) header.entry(prefix + "attention.scale", config.attentionScale);
  if (config.slidingWindow > 0)
    header.entry(prefix + "attention.sliding_window", count(config.slidingWindow));
  if (config.attentionSoftCap > 0.0f)
    header.entry(prefix + "attn_logit_softcapping", config.attentionSoftCap);
  if (config.logitSoftCap > 0.0f) header.entry(prefix + "final_logit_softcapping", config.logitSoftCap);
  if (config.architecture == "gptneox") {
    header.flag(prefix + "use_parallel_residual", config.traits.block == model::Block::Parallel);
  }
}

void addSpecial(Header& header, std::string_view key, int token) {
  if (token >= 0) header.entry(key, static_cast<std::uint32_t>(token));
}

void addTokenizer(Header& header, const model::Tokenizer* tokenizer) {
  const auto* words = dynamic_cast<const text::ByteLevelBpe*>(tokenizer);
  const auto* scores = dynamic_cast<const text::SentencePieceBpe*>(tokenizer);
  // What no GGUF key can say is left out rather than said wrongly.
  if ((!words && !scores) || (words && words->data().expressions)) {
    header.entry("tokenizer.ggml.model", std::string_view("none"));
    return;
  }
  if (const auto* bytes = dynamic_cast<const text::ByteLevelBpe*>(tokenizer)) {
    const text::ByteLevelBpeData& data = bytes->data();
    header.entry("tokenizer.ggml.model", std::string_view("gpt2"));
    header.entry("tokenizer.ggml.pre", std::string_view(data.preTokenizer));
    header.entry("tokenizer.ggml.tokens", data.tokens);
    header.entry("tokenizer.ggml.token_type",
                 data.tokenTypes.empty()
                     ? std::vector<text::TokenType>(data.tokens.size(), text::TokenType::Normal)
                     : data.tokenTypes);
    header.entry("tokenizer.ggml.merges", data.merges);
  } else if (const auto* pieces = dynamic_cast<const text::SentencePieceBpe*>(tokenizer)) {
    const text::SentencePieceBpeData& data = pieces->data();
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

Storage storageFor(const FileTensor& tensor, Storage matrices) {
  return tensor.isVector() ? Storage::F32 : matrices;
}

/// One row as it is stored. Values that the storage cannot hold are refused by name.
std::string encodeRow(const std::string& name, std::span<const float> row, Storage storage) {
  constexpr float kLargestHalf = 65504.0f;
  const float limit = storage == Storage::F16    ? kLargestHalf
                      : storage == Storage::Q8_0 ? kLargestHalf * 127.0f
                                                 : std::numeric_limits<float>::max();
  for (float value : row) {
    if (!(std::abs(value) <= limit)) {
      throw Error(fmt::format("Tensor \"{}\" holds {}, expected at most {} in {}", name, value, limit,
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

/// Writes the rows of Q and K matrices as the architecture's files pair them, the others as they are.
class TensorWriter {
 public:
  TensorWriter(AtomicFile& file, const GgufSource& source, Storage matrices)
      : m_file(file), m_config(source.config), m_matrices(matrices) {
    const model::Architecture* row = model::findArchitecture(m_config.architecture);
    m_pairsAnew = row != nullptr && row->traits.ropePairing == model::RopePairing::Adjacent;
    for (const model::LayerWeights& layer : source.weights.layers) {
      for (const model::Tensor* tensor :
           {&layer.query, &layer.key, &layer.queryBias, &layer.keyBias, &layer.queryNorm, &layer.keyNorm}) {
        if (!tensor->empty()) m_rotated.insert(tensor->bytes.data());
      }
    }
  }

  void write(const FileTensor& tensor) {
    pad(m_file);
    std::vector<float> joint;  // the parts of a vector
    for (const model::Tensor& part : tensor.parts) {
      const bool rotated = m_pairsAnew && m_rotated.contains(part.bytes.data());
      const auto source = [&](std::int64_t row) { return rotated ? adjacentPairRow(m_config, row) : row; };
      std::vector<float> row(static_cast<std::size_t>(part.columns));
      for (std::int64_t i = 0; i < part.rows; ++i) {
        part.readRow(part.rows == 1 ? 0 : source(i), row);
        if (!tensor.isVector()) m_file.write(encodeRow(tensor.name, row, storageFor(tensor, m_matrices)));
      }
      if (!tensor.isVector()) continue;
      for (std::size_t i = 0; i < row.size(); ++i) {
        joint.push_back(row[static_cast<std::size_t>(source(static_cast<std::int64_t>(i)))]);
      }
    }
    if (tensor.isVector()) m_file.write(encodeRow(tensor.name, joint, Storage::F32));
  }

 private:
  AtomicFile& m_file;
  const model::ModelConfig& m_config;
  Storage m_matrices;
  bool m_pairsAnew = false;
  std::set<const std::byte*> m_rotated;
};

/// What Llama 3's rule divides the frequencies by; files hold the outcome instead of the rule.
std::vector<float> llama3Factors(const model::ModelConfig& config) {
  model::ModelConfig unscaled = config;
  unscaled.ropeScaling = {};
  const model::RopeTable from(unscaled, config.contextLength);
  const model::RopeTable to(config, config.contextLength);
  std::vector<float> factors;
  for (std::size_t pair = 0; pair < from.frequencies.size(); ++pair) {
    factors.push_back(static_cast<float>(from.frequencies[pair] / to.frequencies[pair]));
  }
  return factors;
}

/// RoPE factors, which files hold as tensors.
void addFactors(const model::RopeScaling& scaling, std::vector<FileTensor>& tensors) {
  const auto add = [&](const char* name, const std::vector<float>& factors) {
    if (factors.empty()) return;
    const auto count = static_cast<std::int64_t>(factors.size());
    tensors.push_back({name, 1, count, {{Storage::F32, 1, count, std::as_bytes(std::span(factors))}}});
  };
  const bool isLong = !scaling.longFactors.empty();
  add(isLong ? "rope_factors_short.weight" : "rope_freqs.weight", scaling.factors);
  add("rope_factors_long.weight", scaling.longFactors);
}
}  // namespace

void writeGguf(const GgufSource& source, const std::string& path, Storage matrices) {
  std::vector<FileTensor> tensors = fileTensors(source.config, source.weights);
  model::RopeScaling scaling = source.config.ropeScaling;
  if (scaling.kind == model::RopeScalingKind::Llama3) scaling.factors = llama3Factors(source.config);
  addFactors(scaling, tensors);

  Header metadata;
  addConfig(metadata, source.config, matrices);
  for (const auto& [key, text] : source.notes) metadata.entry(key, std::string_view(text));
  addTokenizer(metadata, source.tokenizer);

  Header table;
  std::uint64_t offset = 0;
  for (const FileTensor& tensor : tensors) {
    const Storage storage = storageFor(tensor, matrices);
    if (storage == Storage::Q8_0 && tensor.columns % static_cast<std::int64_t>(kQ8BlockSize) != 0) {
      throw Error(fmt::format("Tensor \"{}\" has rows of {} elements, Q8_0 needs a multiple of {}",
                              tensor.name, tensor.columns, kQ8BlockSize));
    }
    table.string(tensor.name);
    table.number<std::uint32_t>(tensor.isVector() ? 1 : 2);
    table.number<std::uint64_t>(static_cast<std::uint64_t>(tensor.columns));
    if (!tensor.isVector()) table.number<std::uint64_t>(static_cast<std::uint64_t>(tensor.rows));
    table.number<std::uint32_t>(ggufTensorType(storage));
    table.number<std::uint64_t>(offset);
    offset = aligned(offset + model::rowBytes(storage, static_cast<std::uint64_t>(tensor.columns)) *
                                  static_cast<std::uint64_t>(tensor.rows));
  }

  Header start;
  start.number<std::uint32_t>(0x46554747);  // "GGUF"
  start.number<std::uint32_t>(kVersion);
  start.number<std::uint64_t>(tensors.size());
  start.number<std::uint64_t>(metadata.entryCount());

  AtomicFile file(path);
  file.write(start.bytes());
  file.write(metadata.bytes());
  file.write(table.bytes());
  TensorWriter writer(file, source, matrices);
  for (const FileTensor& tensor : tensors) writer.write(tensor);
  pad(file);
  file.commit();
}

}  // namespace headroom::formats
