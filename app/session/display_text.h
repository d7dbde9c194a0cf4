#pragma once

#include <string>
#include <string_view>

namespace headroom::session {

/// Bytes of a token as text that can be drawn: valid UTF-8 stays, other bytes become <E2>, control characters
/// other than a line feed become <07>, a line feed stays.
std::string displayText(std::string_view bytes);

/// displayText on one line: line feeds as a return arrow, and spaces at the ends made visible as middle dots.
std::string tokenLabel(std::string_view text);

}  // namespace headroom::session
