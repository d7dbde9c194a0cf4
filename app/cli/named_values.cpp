#include "app/cli/named_values.h"

#include <algorithm>

#include "app/cli/command.h"

namespace headroom::cli {

CLI::Option* addContext(CLI::App& app, int& positions) {
  return app.add_option("--context", positions, "Cache positions; the model's own when not given")
      ->check(CLI::PositiveNumber);
}

CLI::Option* addKernels(CLI::App& app, std::string& plan) {
  return app.add_option(
      "--kernels", plan,
      "Kernel plan: packed or rows, then rowBlocks=, invocations=, attentionWorkgroups=, "
      "merging=, matrices=none; what was calibrated for this device and model when not given");
}

std::optional<model::KernelPlan> kernelsOf(const std::string& plan) {
  if (plan.empty()) return std::nullopt;
  return parseOption("--kernels", [&] { return model::parsePlan(plan); });
}

CLI::Option* addStorage(CLI::App& app, const std::string& option, std::string& name,
                        const std::string& purpose, std::span<const model::Storage> storages) {
  std::vector<std::string> names;
  for (const model::Storage storage : storages) names.emplace_back(shortName(storage));
  // Brings the name into the case of the list.
  return app.add_option(option, name, purpose)
      ->transform(CLI::IsMember(names, CLI::ignore_case))
      ->capture_default_str();
}

model::Storage storageNamed(const std::string& name) {
  return std::ranges::find(model::storageFormats(), name, &model::StorageFormat::name)->storage;
}

}  // namespace headroom::cli
