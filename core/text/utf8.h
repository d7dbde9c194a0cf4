#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headroom::text {

struct Utf8Character {
  char32_t codePoint = 0;
  std::size_t length = 1;  ///< bytes; 1 for a byte that starts no valid character
  bool valid = false;
};

/// The character at the start of `text`, which is not empty. Overlong forms, surrogates and code points above
/// U+10FFFF are not valid.
Utf8Character firstCharacter(std::string_view text);

/// Whether `bytes`, which is not empty, is the start of some valid character, but not yet a whole one.
bool mayBecomeCharacter(std::string_view bytes);

/// UTF-8 of one code point up to U+10FFFF.
std::string toUtf8(char32_t codePoint);

/// `text` with every byte that is not part of a valid character replaced by U+FFFD, fit to print or for JSON.
std::string replaceInvalidUtf8(std::string_view text);

/// `name` in quotation marks for a one-line message: control characters, broken UTF-8 and quotation marks
/// replaced, cut after 60 bytes.
std::string quotedName(std::string_view name);

}  // namespace headroom::text
