#pragma once

#include <string>
#include <vector>

namespace headroom::formats {

/// Names of the models that come with the program, in the order in which they are offered.
const std::vector<std::string>& bundledModels();
bool isBundled(const std::string& source);

/// The path that `source` means: a bundled model's file, else `source` itself, which must exist ("./mha" is a
/// file of that name). Throws model::Error.
std::string resolveModel(const std::string& source);

}  // namespace headroom::formats
