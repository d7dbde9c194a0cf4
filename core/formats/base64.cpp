#include "core/formats/base64.h"

#include <fmt/format.h>

#include <cstdint>

#include "core/model/error.h"

namespace headroom::formats {

std::string decodeBase64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int bitCount = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t value = kAlphabet.find(text[i]);
    if (value == std::string_view::npos) {
      throw model::Error(fmt::format("base64 text has byte 0x{:02X} at {}, which is not of its alphabet",
                                     static_cast<std::uint8_t>(text[i]), i));
    }
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    bitCount += 6;
    if (bitCount < 8) continue;
    bitCount -= 8;
    bytes.push_back(static_cast<char>(static_cast<std::uint8_t>(bits >> bitCount)));
  }
  return bytes;
}

}  // namespace headroom::formats
