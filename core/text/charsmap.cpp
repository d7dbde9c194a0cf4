#include "core/text/charsmap.h"

#include <fmt/format.h>

#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::text {

namespace {
std::uint32_t littleEndian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

// The parts of a unit of the trie.
std::uint32_t labelOf(std::uint32_t unit) {
  return unit & 0x800000FFu;  // with the leaf bit, which no byte has
}
bool hasLeaf(std::uint32_t unit) {
  return (unit >> 8 & 1) != 0;
}
std::uint32_t offsetOf(std::uint32_t unit) {
  return unit >> 10 << ((unit & 0x200u) >> 6);
}
std::uint32_t valueOf(std::uint32_t unit) {
  return unit & 0x7FFFFFFFu;
}
}  // namespace

Charsmap::Charsmap(std::string_view compiled) {
  if (compiled.empty()) return;
  const std::size_t trieBytes = compiled.size() < 4 ? 0 : littleEndian(compiled);
  if (compiled.size() < 4 || trieBytes > compiled.size() - 4 || trieBytes % 4 != 0) {
    throw model::Error(fmt::format(
        "The tokenizer's character map has {} bytes and a table of {}, expected a multiple of 4 that fits",
        compiled.size(), trieBytes));
  }
  compiled.remove_prefix(4);
  m_trie.reserve(trieBytes / 4);
  for (std::size_t at = 0; at < trieBytes; at += 4) m_trie.push_back(littleEndian(compiled.substr(at, 4)));
  m_replacements = compiled.substr(trieBytes);
  if (!m_replacements.empty() && m_replacements.back() != '\0') {
    throw model::Error(
        "The tokenizer's character map ends within a replacement, expected a zero byte at its end");
  }
}

std::uint32_t Charsmap::unit(std::size_t index) const {
  if (index >= m_trie.size()) {
    throw model::Error(fmt::format("The tokenizer's character map points to unit {}, expected less than {}",
                                   index, m_trie.size()));
  }
  return m_trie[index];
}

Charsmap::Entry Charsmap::longestEntry(std::string_view text) const {
  Entry longest;
  std::size_t node = offsetOf(unit(0));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte == 0) break;  // zero is no label: it leads to the value
    node ^= byte;
    const std::uint32_t at = unit(node);
    if (labelOf(at) != byte) break;
    node ^= offsetOf(at);
    if (hasLeaf(at)) longest = {i + 1, valueOf(unit(node))};
  }
  return longest;
}

std::string Charsmap::normalize(std::string_view text) const {
  if (m_trie.empty()) return std::string(text);
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Entry entry = longestEntry(text);
    if (entry.length > 0) {
      if (entry.replacement >= m_replacements.size()) {
        throw model::Error(
            fmt::format("The tokenizer's character map points to byte {} of its {} replacement bytes",
                        entry.replacement, m_replacements.size()));
      }
      result += m_replacements.c_str() + entry.replacement;
      text.remove_prefix(entry.length);
    } else {
      const std::size_t length = firstCharacter(text).length;
      result += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return result;
}

}  // namespace headroom::text
