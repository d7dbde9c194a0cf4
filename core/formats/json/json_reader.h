#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace headroom::formats {

/// How deep brackets may nest in any JSON text that is read; real ones nest about ten levels.
inline constexpr int kMostJsonLevels = 64;

// Every JSON text comes in through one of these. They throw model::Error, one sentence, when a text has more
// than `mostBytes` bytes, nests deeper than kMostJsonLevels or is not JSON. `what` begins that sentence.

/// The document that a text is.
nlohmann::json parseJson(std::string_view text, std::size_t mostBytes, std::string_view what = "it");

/// The same, and throws when the document is no object.
nlohmann::json parseJsonObject(std::string_view text, std::size_t mostBytes, std::string_view what = "it");

/// The document in a file; sentences begin with its path. Throws also when the file cannot be read.
nlohmann::json readJsonFile(const std::string& path, std::size_t mostBytes);

/// Sees a text part by part. What it throws goes through walkJson.
class JsonVisitor : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool binary(binary_t&) final { return true; }  // JSON texts have none
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) final;
};

/// Shows a text to `visitor`, without a tree of it.
void walkJson(std::string_view text, std::size_t mostBytes, std::string_view what, JsonVisitor& visitor);

}  // namespace headroom::formats
