#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/formats/hugging_face/safetensors_writer.h"
#include "core/model/tensor.h"

namespace headroom::tests {

/// A matrix [rows][columns] of a model, or a vector [1][columns].
struct Values {
  std::int64_t rows = 1;
  std::int64_t columns = 0;
  std::vector<float> data;

  bool isVector() const { return rows == 1; }
  float at(std::int64_t row, std::int64_t column) const {
    return data[static_cast<std::size_t>(row * columns + column)];
  }
};

/// Values that every storage holds exactly: multiples of 1/64 up to 2.
inline Values randomValues(std::mt19937& random, std::int64_t rows, std::int64_t columns) {
  Values values{rows, columns, {}};
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    values.data.push_back(static_cast<float>(static_cast<int>(random() % 257) - 128) / 64.0f);
  }
  return values;
}

inline Values transposed(const Values& source) {
  Values result{source.columns, source.rows, {}};
  for (std::int64_t row = 0; row < result.rows; ++row) {
    for (std::int64_t column = 0; column < result.columns; ++column) {
      result.data.push_back(source.at(column, row));
    }
  }
  return result;
}

/// Queries, keys and values of [heads * headDim][columns] as one, either one behind the other or by KV head:
/// its queries, its key, its value. Vectors likewise.
inline Values joined(const Values& query, const Values& key, const Values& value, int kvHeads, int headDim,
                     bool byKvHead) {
  const std::int64_t columns = query.isVector() ? 1 : query.columns;
  const std::int64_t queryHeads = (query.isVector() ? query.columns : query.rows) / headDim;
  Values result{0, columns, {}};
  const auto append = [&](const Values& source, std::int64_t firstHead, std::int64_t heads) {
    for (std::int64_t i = firstHead * headDim * columns; i < (firstHead + heads) * headDim * columns; ++i) {
      result.data.push_back(source.data[static_cast<std::size_t>(i)]);
    }
  };
  const std::int64_t groups = byKvHead ? kvHeads : 1;
  for (std::int64_t group = 0; group < groups; ++group) {
    append(query, group * queryHeads / groups, queryHeads / groups);
    append(key, group * kvHeads / groups, kvHeads / groups);
    append(value, group * kvHeads / groups, kvHeads / groups);
  }
  result.rows = static_cast<std::int64_t>(result.data.size()) / columns;
  if (query.isVector()) std::swap(result.rows, result.columns);
  return result;
}

/// A Hugging Face folder being put together; tensors carry their names there.
struct HuggingFaceFolder {
  nlohmann::json config;
  std::map<std::string, Values> tensors;
  model::Storage storage = model::Storage::F32;

  void writeText(const std::string& folder, const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/" + name, std::ios::binary) << text;
  }

  /// The tensors that `isIn` picks, as one file.
  void writeTensors(const std::string& path, const std::function<bool(const std::string&)>& isIn) const {
    std::vector<std::string> bytes;
    bytes.reserve(tensors.size());
    std::vector<formats::SafetensorsEntry> entries;
    for (const auto& [name, values] : tensors) {
      if (!isIn(name)) continue;
      std::string& stored = bytes.emplace_back();
      model::appendRow(storage, values.data, stored);
      std::vector<std::int64_t> sizes = {values.rows, values.columns};
      if (values.isVector()) sizes.erase(sizes.begin());
      entries.push_back({name, std::string(shortName(storage)), sizes, std::as_bytes(std::span(stored))});
    }
    formats::writeSafetensors(path, entries, {{"format", "pt"}});
  }

  void write(const std::string& folder) const {
    writeText(folder, "config.json", config.dump());
    writeTensors(folder + "/model.safetensors", [](const std::string&) { return true; });
  }
};

}  // namespace headroom::tests
