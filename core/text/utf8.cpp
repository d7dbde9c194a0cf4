#include "core/text/utf8.h"

#include <cstdint>

namespace headroom::text {

Utf8Character firstCharacter(std::string_view text) {
  const auto byteAt = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byteAt(0);
  if (lead < 0x80) return {.codePoint = lead, .length = 1, .valid = true};

  std::size_t length = 0;
  char32_t codePoint = 0;
  char32_t smallest = 0;
  if ((lead & 0xE0) == 0xC0) {
    length = 2, codePoint = lead & 0x1F, smallest = 0x80;
  } else if ((lead & 0xF0) == 0xE0) {
    length = 3, codePoint = lead & 0x0F, smallest = 0x800;
  } else if ((lead & 0xF8) == 0xF0) {
    length = 4, codePoint = lead & 0x07, smallest = 0x10000;
  } else {
    return {.codePoint = lead, .length = 1, .valid = false};
  }
  const Utf8Character bad = {.codePoint = lead, .length = 1, .valid = false};
  if (text.size() < length) return bad;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byteAt(i) & 0xC0) != 0x80) return bad;
    codePoint = (codePoint << 6) | (byteAt(i) & 0x3F);
  }
  const bool surrogate = codePoint >= 0xD800 && codePoint <= 0xDFFF;
  if (codePoint < smallest || codePoint > 0x10FFFF || surrogate) return bad;
  return {.codePoint = codePoint, .length = length, .valid = true};
}

bool mayBecomeCharacter(std::string_view bytes) {
  constexpr std::size_t kLongest = 4;
  if (bytes.size() >= kLongest || firstCharacter(bytes).valid) return false;
  // What may follow is a range of bytes, so that one of its ends completes whatever can be completed.
  for (char filler : {'\x80', '\xBF'}) {
    const std::string whole = std::string(bytes) + std::string(kLongest - bytes.size(), filler);
    const Utf8Character character = firstCharacter(whole);
    if (character.valid && character.length > bytes.size()) return true;
  }
  return false;
}

std::string toUtf8(char32_t codePoint) {
  std::string text;
  const auto append = [&](char32_t byte) {
    text.push_back(static_cast<char>(static_cast<std::uint8_t>(byte)));
  };
  if (codePoint < 0x80) {
    append(codePoint);
  } else if (codePoint < 0x800) {
    append(0xC0 | (codePoint >> 6));
    append(0x80 | (codePoint & 0x3F));
  } else if (codePoint < 0x10000) {
    append(0xE0 | (codePoint >> 12));
    append(0x80 | ((codePoint >> 6) & 0x3F));
    append(0x80 | (codePoint & 0x3F));
  } else {
    append(0xF0 | (codePoint >> 18));
    append(0x80 | ((codePoint >> 12) & 0x3F));
    append(0x80 | ((codePoint >> 6) & 0x3F));
    append(0x80 | (codePoint & 0x3F));
  }
  return text;
}

std::string replaceInvalidUtf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character character = firstCharacter(text);
    if (character.valid) {
      result += text.substr(0, character.length);
    } else {
      result += "\xEF\xBF\xBD";
    }
    text.remove_prefix(character.length);
  }
  return result;
}

std::string quotedName(std::string_view name) {
  constexpr std::size_t kLongest = 60;
  std::string result = replaceInvalidUtf8(name.substr(0, kLongest));
  for (char& byte : result) {
    if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F) byte = '?';
    if (byte == '"') byte = '\'';
  }
  return '"' + result + (name.size() > kLongest ? "...\"" : "\"");
}

}  // namespace headroom::text
