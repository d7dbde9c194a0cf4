#include "app/cli/output_argument.h"

#include <fmt/format.h>

#include "core/model/error.h"

namespace headroom::cli {

namespace {
/// "8589934592 bytes (8.6 GB)".
std::string sizeText(std::uint64_t bytes) {
  return fmt::format("{} bytes ({:.1f} GB)", bytes, static_cast<double>(bytes) * 1e-9);
}
}  // namespace

CLI::Option* OutputArgument::addOptions(CLI::App& app, const std::string& option,
                                        const std::string& purpose) {
  m_option = option;
  app.add_flag("--allow-large", m_allowLarge, fmt::format("Let {} be larger than 1 GB", option));
  return app.add_option(option, m_path, purpose);
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
  if (bytes > kLargeBytes && !m_allowLarge) {
    throw model::Error(fmt::format("{} would have up to {}, more than {:.0f} GB: add --allow-large, or {}",
                                   m_path, sizeText(bytes), static_cast<double>(kLargeBytes) * 1e-9,
                                   smaller));
  }
  const std::uint64_t room = formats::freeBytes(target);
  if (bytes + scratchBytes > room) {
    throw model::Error(
        fmt::format("{} would need up to {}, and {} beside it while it is written; the disk has {} left",
                    m_path, sizeText(bytes), sizeText(scratchBytes), sizeText(room)));
  }
  if (bytes >= kSaidBytes) fmt::print(stderr, "{} will have up to {}\n", m_path, sizeText(bytes));
}

std::FILE* messagesBeside(const formats::OutputTarget& target) {
  return target.isStandardOutput() ? stderr : stdout;
}

}  // namespace headroom::cli
