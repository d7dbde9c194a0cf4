#include "core/formats/trace/trace_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/formats/hugging_face/safetensors_writer.h"
#include "core/formats/trace/trace_file.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using nlohmann::ordered_json;

ordered_json headerOf(const TraceSource& source) {
  const model::ModelConfig& config = source.config;
  const AttentionSelection& selection = source.attention.selection();
  ordered_json pieces = ordered_json::object();
  for (int token : source.tokens) {
    if (source.pieceOf) pieces[std::to_string(token)] = text::replaceInvalidUtf8(source.pieceOf(token));
  }
  ordered_json header = {{"name", text::replaceInvalidUtf8(config.name)},
                         {"writer", source.writer},
                         {"architecture", config.architecture},
                         {"layers", config.layerCount},
                         {"query_heads", config.attention.queryHeadCount},
                         {"kv_heads", config.attention.kvHeadCount},
                         {"head_dim", config.attention.headDim},
                         {"vocab_size", config.vocabSize},
                         {"prompt_tokens", source.promptTokens}};
  if (std::ssize(selection.layers) < config.layerCount) header["recorded_layers"] = selection.layers;
  if (source.attention.rowCount() < std::ssize(source.tokens)) {
    header["first_row"] = selection.firstRow;
    header["row_count"] = source.attention.rowCount();
  }
  header["pieces"] = std::move(pieces);
  return header;
}
}  // namespace

void writeTrace(const TraceSource& source, const std::string& path) {
  const AttentionSelection& selection = source.attention.selection();
  const auto count = std::ssize(source.tokens);
  if (source.attention.rowCount() == 0) {
    throw model::Error(fmt::format("Cannot write {}: the text has {} tokens, the first row to write is {}",
                                   path, count, selection.firstRow));
  }
  const std::vector<std::int32_t> tokens(source.tokens.begin(), source.tokens.end());
  std::vector<SafetensorsSlot> slots{{"tokens", "I32", {count}}};
  for (int layer : selection.layers) {
    slots.push_back({fmt::format("attention.{}", layer),
                     selection.storage == model::Storage::F16 ? "F16" : "F32",
                     {std::ssize(selection.queryHeads), source.attention.rowCount(), count}});
  }
  SafetensorsStream stream(path, slots,
                           {{"format", std::string(kTraceFormat)},
                            {"version", std::to_string(kTraceVersion)},
                            {"trace", headerOf(source).dump()}});
  stream.write(std::as_bytes(std::span(tokens)));
  source.attention.eachRow(static_cast<int>(count),
                           [&](std::span<const std::byte> row) { stream.write(row); });
  stream.commit();
}

}  // namespace headroom::formats
