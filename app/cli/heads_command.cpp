#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/decoder_choice.h"
#include "app/cli/index_range.h"
#include "app/cli/interrupt.h"
#include "app/cli/model_argument.h"
#include "app/cli/progress_line.h"
#include "app/cli/report_parts.h"
#include "app/cli/token_arguments.h"
#include "core/evaluation/head_survey.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {

using analysis::HeadColumn;
using analysis::headColumns;
using analysis::HeadSurvey;

class HeadsCommand final : public Command {
 public:
  HeadsCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "heads",
                "What each query head attends to: means over the positions of a text, and over random tokens "
                "said again for induction") {
    addModel(app(), m_model);
    m_input.addOptions(app(), "--text,--prompt-file");
    app().add_flag("--csv", m_csv, "Print a CSV table");
    std::vector<std::string> names;
    for (const HeadColumn& column : headColumns()) names.emplace_back(column.name);
    app()
        .add_option("--sort", m_sort, "Largest first by this column; by layer and head without")
        ->check(CLI::IsMember(names));
    app()
        .add_option("--induction-length", m_repeated.length, "Random tokens of a copy")
        ->check(CLI::Range(2, 1 << 20))
        ->capture_default_str();
    app()
        .add_option("--induction-copies", m_repeated.copies, "How often they are said")
        ->check(CLI::Range(2, 1000))
        ->capture_default_str();
    app().add_option("--induction-ids", m_ids,
                     "Ids they are drawn from: 260:4086 (4086 not included); all without");
    app().add_option("--induction-start", m_repeated.startToken, "Id of a token before the first copy");
    app().add_option("--seed", m_repeated.seed, "Of the random tokens")->capture_default_str();
    app()
        .add_option("--induction-draws", m_repeated.draws, "Texts of random tokens, of seeds from --seed on")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    m_choice.addOptions(app());
    m_choice.addAblation(app());
  }

  void run() override {
    if (m_csv && global().json) throw CLI::ValidationError("--csv", "excludes --json");
    lanes::DeviceLanes opener(m_choice.onDevice(global().device));
    lanes::ModelUse use = opener.load(m_model);
    const model::Model& model = *use;
    const std::vector<int> tokens = m_input.idsFor(model);
    if (!m_ids.empty()) {
      const IndexRange ids = parseRange("--induction-ids", m_ids, model.config.vocabSize, "token");
      m_repeated.firstId = ids.first;
      m_repeated.endId = ids.end;
    }
    watchInterrupts();
    const lanes::LaneEngine lane = openLane(opener, std::move(use), m_choice, tokens);
    const ProgressLine line;
    const auto progress = [&](std::int64_t done, std::int64_t total) {
      line.show(fmt::format("{} of {} tokens", done, total));
    };
    HeadSurvey survey = surveyHeads(*lane.decoder, tokens, m_repeated, interrupted, progress);
    line.show({});
    sort(survey);
    if (global().json) {
      fmt::print("{}\n", document(model, lane, tokens.size(), survey).dump(2));
    } else if (m_csv) {
      printCsv(survey);
    } else {
      printTable(model, lane, tokens.size(), survey);
    }
    if (survey.isWhole) return;
    throw model::Cancelled(fmt::format("Interrupted: means over {} of {} positions of the text are printed",
                                       survey.positions, tokens.size()));
  }

 private:
  void sort(HeadSurvey& survey) const {
    const auto columns = headColumns();
    const auto column = std::ranges::find(columns, m_sort, &HeadColumn::name);
    if (column == columns.end()) return;
    std::ranges::stable_sort(survey.heads, std::ranges::greater(), column->of);
  }

  std::string repeatedText() const {
    return fmt::format(
        "{} draws of {} random tokens{} said {} times (seeds from {} on{})", m_repeated.draws,
        m_repeated.length, m_ids.empty() ? "" : fmt::format(" of {}", m_ids), m_repeated.copies,
        m_repeated.seed,
        m_repeated.startToken ? fmt::format(", behind token {}", *m_repeated.startToken) : std::string());
  }

  nlohmann::ordered_json document(const model::Model& model, const lanes::LaneEngine& lane,
                                  std::size_t tokens, const HeadSurvey& survey) const {
    nlohmann::ordered_json meanings, heads = nlohmann::ordered_json::array();
    for (const HeadColumn& column : headColumns()) meanings[column.name] = column.formula;
    for (const HeadSurvey::Head& head : survey.heads) {
      nlohmann::ordered_json entry = {
          {"layer", head.layer}, {"head", head.queryHead}, {"kv_head", head.kvHead}};
      for (const HeadColumn& column : headColumns()) entry[column.name] = column.of(head);
      entry["induction_deviation"] = head.inductionDeviation;
      heads.push_back(std::move(entry));
    }
    nlohmann::ordered_json induction = {
        {"length", m_repeated.length},
        {"copies", m_repeated.copies},
        {"seed", m_repeated.seed},
        {"draws", m_repeated.draws},
        {"first_id", m_repeated.firstId},
        {"end_id", m_repeated.endId > 0 ? m_repeated.endId : model.config.vocabSize},
        {"start_token", nullptr}};
    if (m_repeated.startToken) induction["start_token"] = *m_repeated.startToken;
    return {{"model", model.path},
            {"device", lane.decoder->deviceName()},
            {"attention", attentionDocument(model.config.attention)},
            {"tokens", tokens},
            {"ablated", ablatedDocument(lane.changes)},
            {"positions", survey.positions},
            {"windows", survey.windows},
            {"interrupted", !survey.isWhole},
            {"repeated_tokens", induction},
            {"meanings", meanings},
            {"heads", heads},
            {"divergence", divergenceDocument(survey, model.config.attention)},
            {"subspaces", subspacesDocument(survey.cached, analysis::weightSubspaces(model))}};
  }

  static void printCsv(const HeadSurvey& survey) {
    fmt::print("{}\n", analysis::headCsvTitles());
    for (const HeadSurvey::Head& head : survey.heads) fmt::print("{}\n", analysis::headCsvLine(head));
  }

  /// Jensen-Shannon divergence of attention rows, nats.
  static nlohmann::ordered_json divergenceDocument(const HeadSurvey& survey,
                                                   const model::AttentionShape& attention) {
    const auto [within, across] = analysis::summarise(survey.divergences, attention);
    const auto part = [](const analysis::PairSummary& pairs) {
      return nlohmann::ordered_json{
          {"mean", pairs.mean}, {"deviation", pairs.deviation}, {"pairs", pairs.pairs}};
    };
    return {{"positions", survey.divergences.rowCount},
            {"within_kv_heads", part(within)},
            {"across_kv_heads", part(across)},
            {"layers", survey.divergences.layers}};
  }

  static nlohmann::ordered_json subspacesDocument(std::span<const analysis::LayerSubspaces> cached,
                                                  std::span<const analysis::LayerSubspaces> weights) {
    const auto one = [](const analysis::Subspace& subspace) {
      return nlohmann::ordered_json{{"bound", subspace.bound},
                                    {"effective_rank", subspace.effectiveRank()},
                                    {"participation_ratio", subspace.participationRatio()},
                                    {"singular_values", subspace.singularValues}};
    };
    nlohmann::ordered_json layers = nlohmann::ordered_json::array();
    for (std::size_t layer = 0; layer < weights.size(); ++layer) {
      nlohmann::ordered_json entry = {{"layer", layer},
                                      {"key_weights", one(weights[layer].keys)},
                                      {"value_weights", one(weights[layer].values)}};
      if (layer < cached.size()) {
        entry["cached_keys"] = one(cached[layer].keys);
        entry["cached_values"] = one(cached[layer].values);
      }
      layers.push_back(std::move(entry));
    }
    return layers;
  }

  static void printShared(const model::Model& model, const HeadSurvey& survey) {
    const auto [within, across] = analysis::summarise(survey.divergences, model.config.attention);
    fmt::print(
        "\nJensen-Shannon divergence of attention, nats (0 alike, 0.693 nothing in common), means over {} "
        "positions\n",
        survey.divergences.rowCount);
    for (const auto& [what, pairs] : {std::pair{"heads that read one KV head", within},
                                      std::pair{"heads that read different ones", across}}) {
      if (pairs.pairs > 0)
        fmt::print("  {:<31}{:.3f}, deviation {:.3f}, {} pairs\n", what, pairs.mean, pairs.deviation,
                   pairs.pairs);
    }
    const auto weights = analysis::weightSubspaces(model);
    if (weights.empty()) return;
    fmt::print(
        "\nEffective rank (exp of the entropy of the singular values) and, behind it, what it can be at "
        "most\n"
        "{:>5}{:>17}{:>17}{:>17}{:>17}\n",
        "layer", "W_K", "W_V", "cached keys", "cached values");
    const auto text = [](const analysis::Subspace& subspace) {
      return fmt::format("{:.1f} of {}", subspace.effectiveRank(), subspace.bound);
    };
    for (std::size_t layer = 0; layer < weights.size(); ++layer) {
      fmt::print("{:>5}{:>17}{:>17}", layer, text(weights[layer].keys), text(weights[layer].values));
      if (layer < survey.cached.size())
        fmt::print("{:>17}{:>17}", text(survey.cached[layer].keys), text(survey.cached[layer].values));
      fmt::print("\n");
    }
  }

  void printTable(const model::Model& model, const lanes::LaneEngine& lane, std::size_t tokens,
                  const HeadSurvey& survey) const {
    fmt::print("{}, computed by {}: {} tokens in {}\nmeans over the {} positions behind the first of each; ",
               model::nameWith(model.path, lane.changes), lane.decoder->deviceName(), tokens,
               survey.windows == 1 ? "one window" : fmt::format("{} windows", survey.windows),
               survey.positions);
    fmt::print("induction over {}\n", repeatedText());
    for (const HeadColumn& column : headColumns()) fmt::print("  {:<17}{}\n", column.name, column.formula);
    fmt::print("  a: attention of position i to position j\n\n{:>5}{:>5}{:>4}", "layer", "head", "KV");
    for (const HeadColumn& column : headColumns()) fmt::print("{:>17}", column.name);
    fmt::print("\n");
    for (const HeadSurvey::Head& head : survey.heads) {
      fmt::print("{:>5}{:>5}{:>4}", head.layer, head.queryHead, head.kvHead);
      for (const HeadColumn& column : headColumns()) fmt::print("{:>17.4f}", column.of(head));
      fmt::print("\n");
    }
    printShared(model, survey);
  }

  std::string m_model;
  TokenInput m_input;
  bool m_csv = false;
  std::string m_sort;
  std::string m_ids;
  evaluation::RepeatedTokens m_repeated;
  DecoderChoice m_choice;
};

}  // namespace

std::unique_ptr<Command> registerHeadsCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<HeadsCommand>(app, global);
}

}  // namespace headroom::cli
