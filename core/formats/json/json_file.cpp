#include "core/formats/json/json_file.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "core/formats/files/file_mapping.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using nlohmann::json;

/// How deep the brackets of a JSON text nest at most; brackets in strings do not count.
int nestingDepth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool isInString = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (isInString) {
      if (c == '\\') ++i;
      if (c == '"') isInString = false;
    } else if (c == '"') {
      isInString = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}
}  // namespace

json readJsonFile(const std::string& path) {
  constexpr std::size_t kMostBytes = 256u << 20;
  constexpr int kDeepest = 64;  // real ones nest about ten levels
  const FileMapping mapping(path);
  const std::string_view text(reinterpret_cast<const char*>(mapping.bytes().data()), mapping.bytes().size());
  if (text.size() > kMostBytes) {
    throw Error(fmt::format("{} has {} bytes, expected at most {}", path, text.size(), kMostBytes));
  }
  const int depth = nestingDepth(text);
  if (depth > kDeepest) {
    throw Error(fmt::format("{} nests {} levels deep, expected at most {}", path, depth, kDeepest));
  }
  try {
    return json::parse(text);
  } catch (const json::exception& error) {
    throw Error(fmt::format("{} is no JSON document: {}", path, text::quotedName(error.what())));
  }
}

const json* findMember(const json& value, std::string_view key) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(key);
  return found == value.end() || found->is_null() ? nullptr : &*found;
}

std::string textMember(const json& value, std::string_view key, std::string_view missing) {
  const json* member = findMember(value, key);
  if (!member) return std::string(missing);
  if (!member->is_string()) {
    throw Error(fmt::format("\"{}\" is a {}, expected a text", key, member->type_name()));
  }
  return member->get<std::string>();
}

bool flagMember(const json& value, std::string_view key, bool missing) {
  const json* member = findMember(value, key);
  if (!member) return missing;
  if (!member->is_boolean()) {
    throw Error(fmt::format("\"{}\" is a {}, expected true or false", key, member->type_name()));
  }
  return member->get<bool>();
}

int idOf(const json& value, std::string_view what) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<int>::max());
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMost) {
    throw Error(fmt::format("{} is {}, expected a whole number from 0 to {}", what,
                            text::quotedName(value.dump()), kMost));
  }
  return static_cast<int>(value.get<std::uint64_t>());
}

}  // namespace headroom::formats
