#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/model/error.h"
#include "core/model/sampler.h"

namespace headroom::cli {

/// Options that every command understands.
struct GlobalOptions {
  bool json = false;   ///< one JSON document on stdout, nothing else there
  std::string device;  ///< Vulkan device, by number or part of its name; empty for the best
};

/// Runs `parse`, which reads an option's value; what it refuses is wrong usage.
template <typename Parse>
auto parseOption(const std::string& option, const Parse& parse) {
  try {
    return parse();
  } catch (const model::Error& error) {
    throw CLI::ValidationError(option, error.what());
  }
}

/// A number from `low` to `high`; CLI::Range lets nan through.
inline CLI::Validator numberFrom(double low, double high) {
  const std::string range = CLI::detail::to_string(low) + " to " + CLI::detail::to_string(high);
  return CLI::Validator(
      [low, high, range](const std::string& text) {
        double value = 0.0;
        const bool isNumber = CLI::detail::lexical_cast(text, value);
        return isNumber && value >= low && value <= high ? std::string()
                                                         : "is " + text + ", expected a number from " + range;
      },
      "FLOAT from " + range);
}

inline CLI::Validator numberFrom(const model::Range<float>& range) {
  return numberFrom(range.least, range.most);
}

/// One subcommand: declares its options when constructed, does its work in run().
class Command {
 public:
  Command(CLI::App& parent, const GlobalOptions& global, const std::string& name, const std::string& purpose)
      : m_app(parent.add_subcommand(name, purpose)), m_global(global) {}
  virtual ~Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  bool isChosen() const { return m_app->parsed(); }
  /// Throws model::Error when it fails and CLI::ValidationError for options that make no sense together.
  virtual void run() = 0;

 protected:
  CLI::App& app() { return *m_app; }
  const GlobalOptions& global() const { return m_global; }

 private:
  CLI::App* m_app;
  const GlobalOptions& m_global;
};

}  // namespace headroom::cli
