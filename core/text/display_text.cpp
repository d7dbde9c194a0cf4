#include "core/text/display_text.h"

#include <array>
#include <cstdio>

#include "core/text/utf8.h"

namespace headroom::text {

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
    const Utf8Character character = firstCharacter(bytes);
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

std::string shownToken(int token, std::string_view bytes, bool endsText) {
  if (endsText) return std::string(kEndOfText);
  return bytes.empty() ? "#" + std::to_string(token) : displayText(bytes);
}

}  // namespace headroom::text
