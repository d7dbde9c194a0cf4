#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "core/model/model.h"

namespace headroom::cli {

/// The argument MODEL of a command for one, or for several.
CLI::Option* addModel(CLI::App& app, std::string& argument);
CLI::Option* addModels(CLI::App& app, std::vector<std::string>& arguments);

/// Opens the model that a MODEL argument means. Throws model::Error.
model::Model openModel(const std::string& argument);

}  // namespace headroom::cli
