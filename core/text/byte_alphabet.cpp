#include "core/text/byte_alphabet.h"

#include <array>

#include "core/text/utf8.h"

namespace headroom::text {

namespace {
struct Alphabet {
  std::array<std::string, 256> spellings;
  std::array<int, 512> byteOfCodePoint;

  Alphabet() {
    byteOfCodePoint.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable =
          (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
      const char32_t codePoint = printable ? static_cast<char32_t>(byte) : next++;
      spellings[byte] = toUtf8(codePoint);
      byteOfCodePoint[codePoint] = byte;
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}
}  // namespace

std::string_view spellByte(std::uint8_t byte) {
  return alphabet().spellings[byte];
}

std::string spellBytes(std::string_view bytes) {
  std::string spelling;
  spelling.reserve(bytes.size() + bytes.size() / 4);
  for (char byte : bytes) spelling += spellByte(static_cast<std::uint8_t>(byte));
  return spelling;
}

std::optional<std::string> bytesOfSpelling(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  while (!spelling.empty()) {
    const Utf8Character character = firstCharacter(spelling);
    if (!character.valid || character.codePoint >= alphabet().byteOfCodePoint.size()) return std::nullopt;
    const int byte = alphabet().byteOfCodePoint[character.codePoint];
    if (byte < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
    spelling.remove_prefix(character.length);
  }
  return bytes;
}

}  // namespace headroom::text
