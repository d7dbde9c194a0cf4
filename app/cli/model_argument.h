#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace headroom::cli {

/// The argument MODEL of a command for one, or for several.
CLI::Option* addModel(CLI::App& app, std::string& argument);
CLI::Option* addModels(CLI::App& app, std::vector<std::string>& arguments);

}  // namespace headroom::cli
