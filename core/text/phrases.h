#pragma once

#include <string>

#include "core/model/sentence.h"

namespace headroom::text {

/// The sentence in English: {0}, {1}, ... of its phrase are its arguments.
std::string phrase(const model::Sentence& sentence);
/// Several, one behind the other.
std::string phrases(const std::vector<model::Sentence>& sentences);

}  // namespace headroom::text
