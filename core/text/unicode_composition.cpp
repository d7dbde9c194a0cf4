#include "core/text/unicode_composition.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::text {

namespace {
/// `run` is valid UTF-8.
std::string composeValid(std::string_view run) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(run.data()), static_cast<utf8proc_ssize_t>(run.size()),
      &mapped, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (length < 0) throw model::Error(std::string("Unicode normalisation failed: ") + utf8proc_errmsg(length));
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length));
}
}  // namespace

std::string composeCharacters(std::string_view text) {
  // Every character below U+0300 is composed already and stands alone unless one from there on follows.
  constexpr std::uint8_t kLeadByteOf0300 = 0xCC;
  const bool isComposed = std::all_of(
      text.begin(), text.end(), [](char byte) { return static_cast<std::uint8_t>(byte) < kLeadByteOf0300; });
  if (isComposed) return std::string(text);

  std::string result;
  std::size_t start = 0;  // of a run of valid characters
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character character = firstCharacter(text.substr(at));
    if (!character.valid) {
      result += composeValid(text.substr(start, at - start));
      result += text.substr(at, character.length);
      start = at + character.length;
    }
    at += character.length;
  }
  return result + composeValid(text.substr(start));
}

}  // namespace headroom::text
