#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

/// Small tokenizer.json documents, for tests to change.
namespace headroom::tests {

using nlohmann::json;

inline const std::string kSpace = "\xE2\x96\x81";

inline json byteLevel(bool usesRegex = true, bool addsSpace = false) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", addsSpace}, {"use_regex", usesRegex}};
}
inline json split(const std::string& pattern, const std::string& behavior = "Isolated") {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", behavior}, {"invert", false}};
}
inline json sequence(const char* key, std::vector<json> steps) {
  return {{"type", "Sequence"}, {key, std::move(steps)}};
}
inline json added(int id, const std::string& content, bool isSpecial = true) {
  return {{"id", id},        {"content", content}, {"special", isSpecial}, {"normalized", false},
          {"lstrip", false}, {"rstrip", false},    {"single_word", false}};
}

/// Letters a to z (0 to 25), the digits and marks of `more`, then what `merges` make, then "<s>" and "</s>".
inline json smallBytes(const std::vector<std::string>& more = {},
                       const std::vector<std::string>& merges = {}) {
  json vocab = json::object();
  for (char letter = 'a'; letter <= 'z'; ++letter) vocab[std::string(1, letter)] = letter - 'a';
  for (const std::string& token : more) vocab[token] = vocab.size();
  for (std::string merge : merges) {
    std::erase(merge, ' ');
    vocab[merge] = vocab.size();
  }
  const int size = static_cast<int>(vocab.size());
  return {{"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}},
          {"pre_tokenizer", byteLevel()},
          {"normalizer", nullptr},
          {"added_tokens", {added(size, "<s>"), added(size + 1, "</s>")}}};
}

/// Characters with "_" written for the escaped space; ids in the order given, "<unk>" first.
inline json smallPieces(const std::vector<std::string>& tokens, const std::vector<std::string>& merges) {
  json vocab = {{"<unk>", 0}};
  for (std::string token : tokens) {
    std::size_t at = 0;
    while ((at = token.find('_')) != std::string::npos) token.replace(at, 1, kSpace);
    vocab[token] = vocab.size();
  }
  json list = json::array();
  for (std::string merge : merges) {
    std::size_t at = 0;
    while ((at = merge.find('_')) != std::string::npos) merge.replace(at, 1, kSpace);
    list.push_back(merge);
  }
  return {
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", list}, {"unk_token", "<unk>"}}},
      {"normalizer",
       sequence("normalizers", {{{"type", "Prepend"}, {"prepend", kSpace}},
                                {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpace}}})},
      {"added_tokens", json::array()}};
}

}  // namespace headroom::tests
