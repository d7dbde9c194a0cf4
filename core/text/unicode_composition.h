#pragma once

#include <string>
#include <string_view>

namespace headroom::text {

/// `text` in Unicode's normalisation form C (Unicode Standard Annex 15): "e" with a combining accent becomes
/// "é". Bytes that are not valid UTF-8 stay as they are.
std::string composeCharacters(std::string_view text);

}  // namespace headroom::text
