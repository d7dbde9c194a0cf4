#include "app/cli/repeated_arguments.h"

#include <fmt/format.h>

#include "app/cli/index_range.h"

namespace headroom::cli {

void RepeatedArguments::addOptions(CLI::App& app, const std::string& seedOption) {
  app.add_option("--induction-length", m_asked.length, "Random tokens of a copy")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  app.add_option("--induction-copies", m_asked.copies, "How often they are said")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  app.add_option("--induction-ids", m_ids,
                 "Ids they are drawn from: 260:4086 (4086 not included); all without");
  app.add_option("--induction-start", m_asked.startToken, "Id of a token before the first copy");
  app.add_option(seedOption, m_asked.seed, "Of the random tokens")->capture_default_str();
  app.add_option("--induction-draws", m_asked.draws, "Texts of random tokens, of seeds one after the other")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

evaluation::RepeatedTokens RepeatedArguments::of(const model::ModelConfig& config) const {
  evaluation::RepeatedTokens repeated = m_asked;
  if (m_ids.empty()) return repeated;
  const IndexRange ids = parseRange("--induction-ids", m_ids, config.vocabSize, "token");
  repeated.firstId = ids.first;
  repeated.endId = ids.end;
  return repeated;
}

std::string RepeatedArguments::text() const {
  return fmt::format(
      "{} draws of {} random tokens{} said {} times (seeds from {} on{})", m_asked.draws, m_asked.length,
      m_ids.empty() ? "" : fmt::format(" of {}", m_ids), m_asked.copies, m_asked.seed,
      m_asked.startToken ? fmt::format(", behind token {}", *m_asked.startToken) : std::string());
}

}  // namespace headroom::cli
