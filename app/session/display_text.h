#pragma once

#include <string>

#include "core/model/config.h"
#include "core/text/display_text.h"

namespace headroom::session {

using model::headsText;
using text::displayText;
using text::tokenLabel;

/// "\u201cthe\u201d".
std::string quoted(const std::string& label);

}  // namespace headroom::session
