#pragma once

#include <string_view>
#include <vector>

namespace headroom::text {

/// Token ids as people write them, "1, 2, 3" or "1 2 3"; empty for a text of spaces. Throws model::Error
/// naming what is no id.
std::vector<int> parseTokenIds(std::string_view list);

}  // namespace headroom::text
