#pragma once

#include <string>
#include <string_view>

#include "core/model/config.h"

namespace headroom::session {

/// Bytes of a token as text that can be drawn: valid UTF-8 stays, other bytes become <E2>, control characters
/// other than a line feed become <07>, a line feed stays.
std::string displayText(std::string_view bytes);

/// displayText on one line: line feeds as a return arrow, and spaces at the ends made visible as middle dots.
std::string tokenLabel(std::string_view text);

/// "\u201cthe\u201d".
std::string quoted(const std::string& label);

/// "8 Q \u2192 2 KV": how query heads share keys and values.
std::string headsText(const model::AttentionShape& heads);

/// "Query heads 4 to 7 read the same keys and values, ...": what is shared under KV head `kvHead`, in one
/// sentence.
std::string sharingSentence(const model::AttentionShape& heads, int kvHead);

}  // namespace headroom::session
