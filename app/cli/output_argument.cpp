#include "app/cli/output_argument.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "core/model/error.h"
#include "core/model/quantity.h"

namespace headroom::cli {

CLI::Option* OutputArgument::addOptions(CLI::App& app, const std::string& option,
                                        const std::string& purpose) {
  m_option = option;
  app.add_flag("--allow-large", m_allowLarge,
               fmt::format("Let {} be larger than {:.0f} GB", option,
                           static_cast<double>(formats::kLargeFileBytes) * 1e-9));
  return app.add_option(option, m_path, purpose);
}

void OutputArgument::addNpyFile(CLI::App& app) {
  addOptions(app, "--output", "NPY file to write, float32; may be a pipe, /dev/stdout or /dev/null")
      ->required();
}

formats::OutputTarget OutputArgument::check(const GlobalOptions& global) const {
  formats::OutputTarget target = formats::outputTarget(m_path);
  if (target.isStandardOutput() && global.json) {
    throw CLI::ValidationError(m_option, "leads to standard output, where --json prints its document");
  }
  return target;
}

void OutputArgument::announce(const formats::OutputTarget& target, std::uint64_t bytes,
                              std::uint64_t scratchBytes, const std::string& smaller) const {
  if (formats::isLargeFile(bytes) && !m_allowLarge) {
    throw model::Error(fmt::format("{} would have up to {}, more than {:.0f} GB: add --allow-large, or {}",
                                   m_path, model::exactBytesText(bytes),
                                   static_cast<double>(formats::kLargeFileBytes) * 1e-9, smaller));
  }
  formats::requireRoom(target, bytes, scratchBytes);
  if (bytes >= kSaidBytes)
    fmt::print(stderr, "{} will have up to {}\n", m_path, model::exactBytesText(bytes));
}

model::Error brokenOutput() {
  const int error = errno;
  return model::Error(fmt::format("Cannot write to standard output: {}",
                                  error != 0 ? std::strerror(error) : "not all of it was taken"));
}

std::FILE* messagesBeside(const formats::OutputTarget& target) {
  return target.isStandardOutput() ? stderr : stdout;
}

}  // namespace headroom::cli
