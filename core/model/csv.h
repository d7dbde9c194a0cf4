#pragma once

#include <string>

namespace headroom::model {

/// As RFC 4180 has it: a cell with a comma, quote or line break is quoted, quotes in it are doubled.
std::string csvCell(const std::string& text);

}  // namespace headroom::model
