#include "core/formats/trace/trace_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "core/formats/hugging_face/safetensors_file.h"
#include "core/formats/json/json_reader.h"
#include "core/model/error.h"
#include "core/model/finite.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using nlohmann::json;

constexpr std::int64_t kMostHeads = 65536;
constexpr std::int64_t kMostTokens = 1 << 24;
constexpr std::int64_t kMostWords = 1 << 22;           // sixteen times the largest vocabulary in use
constexpr std::size_t kMostHeaderBytes = 100'000'000;  // as a whole safetensors header
/// Softmax in half precision may round a little above 1.
constexpr float kMostProbability = 1.001f;
/// What a mask may leave ahead of a token.
constexpr float kMostAhead = 1e-6f;
/// How far a row's sum may be from 1, whatever it is stored as, since models that run in half precision are
/// exported as F32, too. BF16, the coarsest, has each value within 2^-8 of itself; F16 the smallest within
/// 2^-25.
constexpr double kSumLimit = 1.0 / 256;
constexpr double kSumLimitPerValue = 1.0 / (1 << 25);

/// Keeps the mapped file alive.
struct MappedTrace final : model::WeightMemory {
  template <typename Source>
  explicit MappedTrace(const Source& source) : file(source) {}
  SafetensorsFile file;
};

int integer(const json& header, const char* key, std::int64_t low, std::int64_t high,
            std::optional<int> fallback = std::nullopt) {
  if (!header.contains(key)) {
    if (fallback) return *fallback;
    throw Error(fmt::format("its \"trace\" has no \"{}\"", key));
  }
  const json& value = header[key];
  if (!value.is_number_integer())
    throw Error(fmt::format("\"{}\" is {}, expected a whole number", key, value.dump()));
  const auto number = value.get<std::int64_t>();
  if (number < low || number > high) {
    throw Error(fmt::format("\"{}\" is {}, expected {} to {}", key, number, low, high));
  }
  return static_cast<int>(number);
}

std::string text(const json& header, const char* key, const std::string& fallback) {
  if (!header.contains(key)) return fallback;
  if (!header[key].is_string())
    throw Error(fmt::format("\"{}\" is {}, expected a text", key, header[key].dump()));
  return text::replaceInvalidUtf8(header[key].get<std::string>());
}

std::vector<int> readTokens(const SafetensorsFile& file, int vocabSize) {
  const SafeTensor* stored = file.findTensor("tokens");
  if (!stored) throw Error("tensor \"tokens\" is missing");
  const bool wide = stored->dtype == "I64";
  if ((!wide && stored->dtype != "I32") || stored->sizes.size() != 1 || stored->elementCount() == 0 ||
      stored->elementCount() > static_cast<std::uint64_t>(kMostTokens)) {
    throw Error(
        fmt::format("tensor \"tokens\" is {} of [{}], expected I32 or I64 of one dimension, 1 to {} long",
                    stored->dtype, fmt::join(stored->sizes, ", "), kMostTokens));
  }
  std::vector<int> tokens;
  for (std::uint64_t i = 0; i < stored->elementCount(); ++i) {
    std::int64_t id = 0;
    if (wide) {
      std::memcpy(&id, stored->bytes.data() + i * sizeof id, sizeof id);
    } else {
      std::int32_t narrow = 0;
      std::memcpy(&narrow, stored->bytes.data() + i * sizeof narrow, sizeof narrow);
      id = narrow;
    }
    if (id < 0 || id >= vocabSize) {
      throw Error(fmt::format("token {} is {}, expected 0 to {}", i, id, vocabSize - 1));
    }
    tokens.push_back(static_cast<int>(id));
  }
  return tokens;
}

model::Tensor tensorOf(const SafeTensor& stored, const std::vector<std::uint64_t>& sizes) {
  if (!stored.storage || stored.sizes != sizes) {
    throw Error(fmt::format("tensor {} is {} of [{}], expected F32, F16 or BF16 of [{}]",
                            text::quotedName(stored.name), stored.dtype, fmt::join(stored.sizes, ", "),
                            fmt::join(sizes, ", ")));
  }
  const std::uint64_t columns = sizes.back();
  return {*stored.storage, static_cast<std::int64_t>(stored.elementCount() / columns),
          static_cast<std::int64_t>(columns), stored.bytes};
}

/// Throws unless a row is what softmax gives of a token at `position`; `place` names it.
void checkRow(std::span<const float> row, int position, const std::string& place) {
  const auto bad = std::ranges::find_if(row, [](float p) { return !(p >= 0.0f && p <= kMostProbability); });
  if (bad != row.end()) {
    throw Error(fmt::format("{} holds {} at column {}, expected probabilities from 0 to 1", place, *bad,
                            bad - row.begin()));
  }
  const auto seen = row.first(static_cast<std::size_t>(position) + 1);
  const auto ahead = row.subspan(seen.size());
  const auto far = std::ranges::find_if(ahead, [](float p) { return p > kMostAhead; });
  if (far != ahead.end()) {
    throw Error(fmt::format("{} looks ahead: it holds {} at column {}, expected 0 behind column {}", place,
                            *far, position + 1 + (far - ahead.begin()), position));
  }
  const double sum = std::accumulate(seen.begin(), seen.end(), 0.0);
  const double limit = kSumLimit + static_cast<double>(seen.size()) * kSumLimitPerValue;
  if (std::abs(sum - 1.0) > limit) {
    throw Error(fmt::format("{} sums to {:.6g}, expected 1 within {:.2g}", place, sum, limit));
  }
}

/// `rows` is [heads * rowCount][tokens], of the positions from `firstRow` on.
void checkAttention(const model::Tensor& rows, int layer, int firstRow, int rowCount) {
  std::vector<float> row(static_cast<std::size_t>(rows.columns));
  for (std::int64_t index = 0; index < rows.rows; ++index) {
    rows.readRow(index, row);
    const int position = firstRow + static_cast<int>(index % rowCount);
    checkRow(row, position,
             fmt::format("attention of layer {}, head {}, row {}", layer, index / rowCount, position));
  }
}

/// The layers whose attention is in the file: all of them, or those that the header lists.
std::vector<int> recordedLayers(const json& header, int layerCount) {
  std::vector<int> layers;
  if (!header.contains("recorded_layers")) {
    layers.resize(static_cast<std::size_t>(layerCount));
    std::iota(layers.begin(), layers.end(), 0);
    return layers;
  }
  const json& list = header["recorded_layers"];
  for (const json& entry : list.is_array() ? list : json::array()) {
    const std::int64_t least = layers.empty() ? 0 : layers.back() + 1;
    if (!entry.is_number_integer() || entry.get<std::int64_t>() < least ||
        entry.get<std::int64_t>() >= layerCount) {
      throw Error(fmt::format("\"recorded_layers\" holds {} where a layer from {} to {} is expected",
                              entry.dump(), least, layerCount - 1));
    }
    layers.push_back(entry.get<int>());
  }
  if (layers.empty()) {
    throw Error(fmt::format("\"recorded_layers\" is {}, expected a list of layers", list.dump()));
  }
  return layers;
}

void readAttention(const json& header, const SafetensorsFile& file, model::Trace& trace) {
  const model::ModelConfig& config = trace.config;
  const int count = config.contextLength;
  model::RecordedPart& part = trace.recorded;
  part.firstRow = integer(header, "first_row", 0, count - 1, 0);
  part.rowCount = integer(header, "row_count", 1, count - part.firstRow, count - part.firstRow);
  part.layers = recordedLayers(header, config.layerCount);
  trace.attention.resize(static_cast<std::size_t>(config.layerCount));
  for (int layer : part.layers) {
    const SafeTensor* stored = file.findTensor(fmt::format("attention.{}", layer));
    if (!stored) throw Error(fmt::format("tensor \"attention.{}\" is missing", layer));
    model::Tensor& rows = trace.attention[static_cast<std::size_t>(layer)];
    rows = tensorOf(*stored, {static_cast<std::uint64_t>(config.attention.queryHeadCount),
                              static_cast<std::uint64_t>(part.rowCount), static_cast<std::uint64_t>(count)});
    checkAttention(rows, layer, part.firstRow, part.rowCount);
  }
}

void checkFinite(const model::Tensor& logits) {
  std::vector<float> row(static_cast<std::size_t>(logits.columns));
  for (std::int64_t index = 0; index < logits.rows; ++index) {
    logits.readRow(index, row);
    const std::size_t bad = model::firstNonFinite(std::span<const float>(row));
    if (bad == row.size()) continue;
    throw Error(fmt::format("logits hold {} for token {} after position {}, expected finite numbers",
                            row[bad], bad, index));
  }
}

model::Trace traceOf(std::unique_ptr<MappedTrace> memory) {
  const SafetensorsFile& file = memory->file;
  const auto metadata = [&](const char* key) {
    const auto found = file.metadata().find(key);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  if (metadata("format") != kTraceFormat) {
    throw Error(fmt::format("its metadata \"format\" is {}, expected \"{}\"",
                            text::quotedName(metadata("format")), kTraceFormat));
  }
  if (metadata("version") != std::to_string(kTraceVersion)) {
    throw Error(fmt::format("it is of version {}, expected {}", text::quotedName(metadata("version")),
                            kTraceVersion));
  }
  const json header = parseJsonObject(metadata("trace"), kMostHeaderBytes, "its \"trace\"");
  model::Trace trace;
  model::ModelConfig& config = trace.config;
  trace.name = text(header, "name", "trace");
  trace.writer = text(header, "writer", "an unnamed program");
  config.name = trace.name;
  config.architecture = text(header, "architecture", "trace");
  config.layerCount = integer(header, "layers", 1, kMostHeads);
  config.attention.queryHeadCount = integer(header, "query_heads", 1, kMostHeads);
  config.attention.kvHeadCount = integer(header, "kv_heads", 1, config.attention.queryHeadCount);
  config.attention.headDim = integer(header, "head_dim", 1, kMostHeads);
  config.vocabSize = integer(header, "vocab_size", 1, kMostWords);
  if (config.attention.queryHeadCount % config.attention.kvHeadCount != 0) {
    throw Error(fmt::format("{} query heads are not a multiple of {} KV heads",
                            config.attention.queryHeadCount, config.attention.kvHeadCount));
  }
  if (!header.contains("recorded_layers") &&
      static_cast<std::size_t>(config.layerCount) > file.tensors().size()) {
    throw Error(
        fmt::format("it claims {} layers, but has {} tensors", config.layerCount, file.tensors().size()));
  }
  trace.tokens = readTokens(file, config.vocabSize);
  config.contextLength = static_cast<int>(trace.tokens.size());
  trace.promptTokens = integer(header, "prompt_tokens", 1, config.contextLength, 1);
  readAttention(header, file, trace);
  const std::uint64_t count = trace.tokens.size();
  if (const SafeTensor* stored = file.findTensor("logits")) {
    trace.logits = tensorOf(*stored, {count, static_cast<std::uint64_t>(config.vocabSize)});
    checkFinite(trace.logits);
  }
  if (header.contains("pieces") && header["pieces"].is_object()) {
    for (const auto& [id, piece] : header["pieces"].items()) {
      if (piece.is_string()) trace.pieces[std::atoi(id.c_str())] = piece.get<std::string>();
    }
  }
  trace.memory = std::move(memory);
  return trace;
}
}  // namespace

model::Trace readTrace(const std::string& path) {
  try {
    model::Trace trace = traceOf(std::make_unique<MappedTrace>(path));
    trace.path = path;
    return trace;
  } catch (const Error& error) {
    const std::string sentence = error.what();
    throw Error(sentence.starts_with(path) ? sentence : fmt::format("{}: {}", path, sentence));
  }
}

model::Trace readTrace(std::span<const std::byte> bytes) {
  return traceOf(std::make_unique<MappedTrace>(bytes));
}

bool isTrace(const std::string& path) {
  try {
    const SafetensorsFile file(path);
    const auto found = file.metadata().find("format");
    return found != file.metadata().end() && found->second == kTraceFormat;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace headroom::formats
