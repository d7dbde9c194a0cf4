#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/lanes/choice_names.h"
#include "core/model/block_formats.h"
#include "core/model/kernel_plan.h"

namespace headroom::cli {

// Options that several commands take, and the values that they know.

/// lanes::choiceNames(), as CLI::IsMember and lists of choices take them.
template <typename Choice>
std::vector<std::string> choiceWords() {
  const auto names = lanes::choiceNames<Choice>();
  return {names.begin(), names.end()};
}

/// An option for a choice by its name.
template <typename Choice>
CLI::Option* addChoice(CLI::App& app, const std::string& option, std::string& name,
                       const std::string& purpose) {
  return app.add_option(option, name, purpose)
      ->check(CLI::IsMember(choiceWords<Choice>()))
      ->capture_default_str();
}

/// --context of a command that decodes: `positions`, 0 for the model's own.
CLI::Option* addContext(CLI::App& app, int& positions);

/// --kernels: a kernel plan as text; empty for what this device's calibration chose.
CLI::Option* addKernels(CLI::App& app, std::string& plan);
/// Throws CLI::ValidationError for a plan that is none; nothing for an empty text.
std::optional<model::KernelPlan> kernelsOf(const std::string& plan);

/// What weights are rounded to, and what random weights are made as.
inline constexpr std::array kWrittenStorages{model::Storage::F32, model::Storage::F16, model::Storage::Q8_0};
inline constexpr std::array kRandomStorages{model::Storage::F32,  model::Storage::F16,  model::Storage::Q8_0,
                                            model::Storage::BF16, model::Storage::Q4_0, model::Storage::Q4_K,
                                            model::Storage::Q5_K, model::Storage::Q6_K};
/// How a command stores weights that it makes: "F16", one of `storages`, in any case.
CLI::Option* addStorage(CLI::App& app, const std::string& option, std::string& name,
                        const std::string& purpose, std::span<const model::Storage> storages);
model::Storage storageNamed(const std::string& name);

}  // namespace headroom::cli
