#include "core/text/sentencepiece_text.h"

#include <charconv>

namespace headroom::text {

std::string escapeSpaces(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 2);
  for (char byte : text) {
    if (byte == ' ') {
      escaped += kEscapedSpace;
    } else {
      escaped.push_back(byte);
    }
  }
  return escaped;
}

std::string unescapeSpaces(std::string_view spelling) {
  std::string text;
  std::size_t at = 0;
  while (at < spelling.size()) {
    if (spelling.substr(at, kEscapedSpace.size()) == kEscapedSpace) {
      text.push_back(' ');
      at += kEscapedSpace.size();
    } else {
      text.push_back(spelling[at++]);
    }
  }
  return text;
}

int byteOfToken(std::string_view spelling) {
  if (spelling.size() != 6 || spelling.substr(0, 3) != "<0x" || spelling[5] != '>') return -1;
  int byte = -1;
  const auto [end, status] = std::from_chars(spelling.data() + 3, spelling.data() + 5, byte, 16);
  return status == std::errc() && end == spelling.data() + 5 ? byte : -1;
}

bool getsSpacePrefix(SpacePrefix rule, std::string_view text, std::string_view part) {
  const bool isStart = part.data() == text.data();
  const bool hasSpace = part.starts_with(' ') || part.starts_with(kEscapedSpace);
  switch (rule) {
    case SpacePrefix::None:
      return false;
    case SpacePrefix::EveryPart:
      return true;
    case SpacePrefix::EveryPartUnlessThere:
      return !hasSpace;
    case SpacePrefix::StartUnlessThere:
      return isStart && !hasSpace;
  }
  return false;
}

}  // namespace headroom::text
