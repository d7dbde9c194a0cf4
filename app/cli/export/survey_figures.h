#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "app/cli/decode_arguments.h"
#include "app/cli/repeated_arguments.h"
#include "app/figures/head_figures.h"

namespace headroom::cli {

/// Figures of what all heads do while a text is read, which decode nothing: the options for them, and how
/// they are made.
class SurveyFigures {
 public:
  /// A model that was read.
  struct ReadModel {
    std::string path;
    std::string device;
    std::int64_t positions = 0;
  };

  static constexpr const char* kRanks = "ranks";
  static constexpr const char* kHeads = "heads";
  static constexpr const char* kPairs = "pairs";
  static std::vector<std::string> names() { return {kRanks, kHeads, kPairs}; }
  static bool has(const std::string& what);

  void addOptions(CLI::App& app);
  /// Options and the figures that they are of.
  struct Of {
    const CLI::Option* option;
    std::vector<std::string> figures;
  };
  const std::vector<Of>& options() const { return m_options; }
  /// Throws CLI::ValidationError where --of names what the figure has not, or `decode` has options of a
  /// decode.
  void checkUsage(const std::string& what, const CLI::App& app) const;

  /// Reads the text with every model; `layer` is of pairs, without one all. Throws model::Error, and
  /// model::Cancelled when it was interrupted.
  figures::Figure figure(const std::string& what, const DecodeArguments& decode, lanes::DeviceLanes& opener,
                         std::optional<int> layer, std::vector<ReadModel>& read) const;

 private:
  std::string ofFor(const std::string& what) const;

  std::string m_of;
  std::string m_column = "induction";
  RepeatedArguments m_repeated;
  std::vector<Of> m_options;
};

}  // namespace headroom::cli
