#pragma once

#include "core/text/phrases.h"

namespace headroom::session {

// Sentences in words: panels and pages see no core/text.
using text::phrase;
using text::phrases;

}  // namespace headroom::session
