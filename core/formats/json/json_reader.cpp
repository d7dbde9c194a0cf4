#include "core/formats/json/json_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/formats/files/file_mapping.h"
#include "core/formats/json/json_object.h"
#include "core/model/error.h"

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

/// The guard in front of every parse, and the sentences of what the parser refuses.
template <typename Parse>
auto guarded(std::string_view text, std::size_t mostBytes, std::string_view what, Parse parse) {
  if (text.size() > mostBytes) {
    throw Error(fmt::format("{} has {} bytes, expected at most {}", what, text.size(), mostBytes));
  }
  if (const int depth = nestingDepth(text); depth > kMostJsonLevels) {
    throw Error(fmt::format("{} nests {} levels deep, expected at most {}", what, depth, kMostJsonLevels));
  }
  try {
    return parse();
  } catch (const json::parse_error& error) {
    throw Error(fmt::format("{} is not JSON at byte {}", what, error.byte));
  } catch (const json::out_of_range&) {
    throw Error(fmt::format("{} has a number that no float64 holds", what));
  }
}
}  // namespace

json parseJson(std::string_view text, std::size_t mostBytes, std::string_view what) {
  return guarded(text, mostBytes, what, [&] { return json::parse(text); });
}

json parseJsonObject(std::string_view text, std::size_t mostBytes, std::string_view what) {
  json object = parseJson(text, mostBytes, what);
  if (!object.is_object()) throw Error(fmt::format("{} is {}, expected an object", what, shownJson(object)));
  return object;
}

json readJsonFile(const std::string& path, std::size_t mostBytes) {
  const FileMapping mapping(path);
  const auto bytes = mapping.bytes();
  return parseJson({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, mostBytes, path);
}

bool JsonVisitor::parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) {
  if (const auto* outOfRange = dynamic_cast<const json::out_of_range*>(&error)) throw *outOfRange;
  throw dynamic_cast<const json::parse_error&>(error);
}

void walkJson(std::string_view text, std::size_t mostBytes, std::string_view what, JsonVisitor& visitor) {
  guarded(text, mostBytes, what, [&] { json::sax_parse(text, &visitor); });
}

}  // namespace headroom::formats
