#include "app/session/display_text.h"

#include <array>
#include <cstdio>

#include "core/text/utf8.h"

namespace headroom::session {

namespace {

std::string hexByte(char byte) {
  std::array<char, 8> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "<%02X>", static_cast<unsigned char>(byte));
  return buffer.data();
}

constexpr std::string_view kMiddleDot = "\u00b7";
constexpr std::string_view kReturnArrow = "\u21b5";

}  // namespace

std::string displayText(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const text::Utf8Character character = text::firstCharacter(bytes);
    const auto first = static_cast<unsigned char>(bytes.front());
    const bool control = first < 0x20 && first != '\n';
    if (first == '\t') {
      text += ' ';
    } else if (!character.valid || control) {
      text += hexByte(bytes.front());
    } else {
      text += bytes.substr(0, character.length);
    }
    bytes.remove_prefix(character.valid ? character.length : 1);
  }
  return text;
}

std::string tokenLabel(std::string_view text) {
  std::string label;
  std::size_t end = text.size();
  while (end > 0 && text[end - 1] == ' ') --end;
  bool leading = true;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n') {
      label += kReturnArrow;
      continue;
    }
    leading = leading && text[at] == ' ';
    if (text[at] == ' ' && (leading || at >= end)) {
      label += kMiddleDot;
    } else {
      label += text[at];
    }
  }
  return label;
}

std::string quoted(const std::string& label) {
  return "\u201c" + label + "\u201d";
}

std::string headsText(const model::AttentionShape& heads) {
  return std::to_string(heads.queryHeadCount) + " Q \u2192 " + std::to_string(heads.kvHeadCount) + " KV";
}

std::string sharingSentence(const model::AttentionShape& heads, int kvHead) {
  const int group = heads.groupSize();
  const int first = kvHead * group;
  if (group == 1) {
    return "Query head " + std::to_string(first) +
           " alone reads the keys and values of this KV head: nothing is shared.";
  }
  return "Query heads " + std::to_string(first) + " to " + std::to_string(first + group - 1) +
         " share the keys and values of this KV head, which are cached once for all " +
         std::to_string(group) + " of them.";
}

}  // namespace headroom::session
