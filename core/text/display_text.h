#pragma once

#include <string>
#include <string_view>

namespace headroom::text {

/// Bytes of a token as text that can be drawn: valid UTF-8 stays, other bytes become <E2>, control characters
/// other than a line feed become <07>, a line feed stays.
std::string displayText(std::string_view bytes);

/// displayText on one line: line feeds as a return arrow, and spaces at the ends made visible as middle dots.
std::string tokenLabel(std::string_view text);

/// What a token that ends a text is shown as.
inline constexpr std::string_view kEndOfText = "end of text";
/// A token as it can be shown: kEndOfText where it ends a text, the displayText of its bytes, or "#17" where
/// nobody knows them.
std::string shownToken(int token, std::string_view bytes, bool endsText);

}  // namespace headroom::text
