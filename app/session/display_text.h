#pragma once

#include <string>

#include "core/model/config.h"
#include "core/text/display_text.h"
#include "core/text/text_clusters.h"

namespace headroom::session {

using model::headsText;
using text::displayText;
using text::firstUnsettled;
using text::TextCluster;
using text::textClusters;
using text::tokenLabel;

/// "\u201cthe\u201d".
std::string quoted(const std::string& label);

/// "Query heads 4 to 7 read the same keys and values, ...": what is shared under KV head `kvHead`, in one
/// sentence.
std::string sharingSentence(const model::AttentionShape& heads, int kvHead);

}  // namespace headroom::session
