#pragma once

#include <string>

namespace headroom::formats {

/// What tells two states of a model apart: the names, sizes and times of change of its files, which are the
/// file, the parts of a split GGUF file, or those of a folder. A path that does not exist has a state too.
std::string modelState(const std::string& path);

}  // namespace headroom::formats
