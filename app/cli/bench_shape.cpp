#include "app/cli/bench_shape.h"

#include <fmt/format.h>

#include <map>
#include <sstream>

#include "core/model/error.h"
#include "core/model/whole_number.h"

namespace headroom::cli {

namespace {
std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

const char* const kExpected =
    "layers=N,query_heads=N,kv_heads=A/B/C,head_dim=N, and if wanted dim=N,ffn=N,vocab=N";
}  // namespace

std::vector<int> parseNumbers(const std::string& option, const std::string& text, char separator, int least) {
  std::vector<int> numbers;
  for (const std::string& part : split(text, separator)) {
    const std::optional<int> number = model::wholeNumber(part);
    if (!number || *number < least) {
      throw model::Error(
          fmt::format("{} holds \"{}\", expected whole numbers from {} on", option, part, least));
    }
    numbers.push_back(*number);
  }
  if (numbers.empty()) throw model::Error(fmt::format("{} is empty, expected whole numbers", option));
  return numbers;
}

std::vector<model::ModelConfig> parseShape(const std::string& text) {
  std::map<std::string, std::vector<int>> given;
  for (const std::string& part : split(text, ',')) {
    const std::size_t equals = part.find('=');
    const std::string key = part.substr(0, equals);
    const bool known = key == "layers" || key == "query_heads" || key == "kv_heads" || key == "head_dim" ||
                       key == "ffn" || key == "vocab" || key == "dim";
    if (equals == std::string::npos || !known) {
      throw model::Error(fmt::format("--shape holds \"{}\", expected {}", part, kExpected));
    }
    given[key] = parseNumbers("--shape " + key, part.substr(equals + 1), '/', 1);
    if (given[key].size() > 1 && key != "kv_heads") {
      throw model::Error(
          fmt::format("--shape {} holds {} numbers, expected one; only kv_heads may list several", key,
                      given[key].size()));
    }
  }
  for (const char* needed : {"layers", "query_heads", "kv_heads", "head_dim"}) {
    if (!given.contains(needed)) {
      throw model::Error(fmt::format("--shape lacks {}, expected {}", needed, kExpected));
    }
  }
  const auto number = [&](const char* key, int otherwise) {
    return given.contains(key) ? given[key].front() : otherwise;
  };
  std::vector<model::ModelConfig> configs;
  for (int kvHeads : given["kv_heads"]) {
    model::ModelConfig config;
    config.layerCount = number("layers", 0);
    config.attention = {number("query_heads", 0), kvHeads, number("head_dim", 0)};
    if (config.attention.queryHeadCount % kvHeads != 0) {
      throw model::Error(fmt::format("kv_heads {} does not divide query_heads {}", kvHeads,
                                     config.attention.queryHeadCount));
    }
    config.modelDim = number("dim", config.attention.queryDim());
    config.ffnDim = number("ffn", 4 * config.modelDim);
    config.vocabSize = number("vocab", 4096);
    config.name = fmt::format("kv_heads={}", kvHeads);
    configs.push_back(config);
  }
  return configs;
}

}  // namespace headroom::cli
