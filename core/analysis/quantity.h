#pragma once

#include "core/model/quantity.h"

namespace headroom::analysis {

// How numbers are written is core/model's business, as the engine says some too; views know it by these
// names.
using model::bytesText;
using model::countText;
using model::fixedText;
using model::groupDigits;
using model::millisecondsText;

}  // namespace headroom::analysis
