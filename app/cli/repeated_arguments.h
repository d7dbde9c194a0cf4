#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/evaluation/head_survey.h"

namespace headroom::cli {

/// The random tokens said again that tell induction heads, as options say.
class RepeatedArguments {
 public:
  /// Adds --induction-length, -copies, -ids, -start and -draws, and the seed under that name.
  void addOptions(CLI::App& app, const std::string& seedOption = "--seed");

  /// For a model's vocabulary. Throws CLI::ValidationError for ids that it has not.
  evaluation::RepeatedTokens of(const model::ModelConfig& config) const;
  /// "5 draws of 60 random tokens said 2 times (seeds from 1 on)": for people.
  std::string text() const;

 private:
  evaluation::RepeatedTokens m_asked;
  std::string m_ids;  ///< a range; empty for all
};

}  // namespace headroom::cli
