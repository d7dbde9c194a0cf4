#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "app/cli/command.h"
#include "core/formats/files/output_target.h"

namespace headroom::cli {

/// Where a command writes what may be large: its option, and what is found out and said before any work.
class OutputArgument {
 public:
  /// Adds the option and --allow-large.
  CLI::Option* addOptions(CLI::App& app, const std::string& option, const std::string& purpose);

  /// --output for an NPY file, which must be given.
  void addNpyFile(CLI::App& app);

  bool isGiven() const { return !m_path.empty(); }
  const std::string& path() const { return m_path; }

  /// Throws model::Error when the path cannot be written, CLI::ValidationError when --json would print to
  /// where it leads.
  formats::OutputTarget check(const GlobalOptions& global) const;

  /// Says the size on stderr when it is large. Throws model::Error when it is more than kLargeFileBytes
  /// without
  /// --allow-large, or more, with `scratchBytes` beside it, than the disk has left. `smaller` names what
  /// would make it smaller.
  void announce(const formats::OutputTarget& target, std::uint64_t bytes, std::uint64_t scratchBytes,
                const std::string& smaller) const;

  static constexpr std::uint64_t kSaidBytes = 100'000'000;

 private:
  std::string m_option;
  std::string m_path;
  bool m_allowLarge = false;
};

/// For standard output that took no more, by errno.
model::Error brokenOutput();

/// Where a line for people goes while a file is written to `target`: stderr when that is standard output.
std::FILE* messagesBeside(const formats::OutputTarget& target);

}  // namespace headroom::cli
