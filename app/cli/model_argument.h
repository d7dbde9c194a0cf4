#pragma once

#include <string>

#include "core/model/model.h"

namespace headroom::cli {

/// The file that a MODEL argument means: a path, or the name of a bundled model ("mha", "gqa", "mqa"), found
/// in $HEADROOM_ASSETS/models, in assets/models of a folder above the executable, or in share/headroom/models
/// beside it. Throws model::Error naming the places looked at.
std::string resolveModel(const std::string& argument);

/// Opens the model that a MODEL argument means. Throws model::Error.
model::Model openModel(const std::string& argument);

}  // namespace headroom::cli
