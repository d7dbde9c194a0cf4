#pragma once

#include <string>

#include "core/model/model.h"

namespace headroom::cli {

/// Opens the model that a MODEL argument means. Throws model::Error.
model::Model openModel(const std::string& argument);

}  // namespace headroom::cli
