#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace headroom::model {

/// The decimal number that the whole of `text` is; nothing when it is none, or none that an int holds.
inline std::optional<int> wholeNumber(std::string_view text) {
  int number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool isWhole = status == std::errc() && end == text.data() + text.size();
  return isWhole ? std::optional(number) : std::nullopt;
}

}  // namespace headroom::model
