#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/decoder_choice.h"
#include "app/cli/heads_report.h"
#include "app/cli/interrupt.h"
#include "app/cli/model_argument.h"
#include "app/cli/progress_line.h"
#include "app/cli/repeated_arguments.h"
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
                "What each query head attends to and writes, and how alike heads are: means over the "
                "positions of "
                "a text, and over random tokens said again for induction") {
    addModel(app(), m_model);
    m_input.addOptions(app(), "--text,--prompt-file");
    app().add_flag("--csv", m_csv, "Print a CSV table");
    std::vector<std::string> names;
    for (const HeadColumn& column : headColumns()) names.emplace_back(column.name);
    app()
        .add_option("--sort", m_sort,
                    "Largest first by this column, what is not known last; by layer and head without")
        ->check(CLI::IsMember(names));
    m_repeated.addOptions(app());
    m_choice.addOptions(app());
    m_choice.addAblation(app());
  }

  void run() override {
    if (m_csv && global().json) throw CLI::ValidationError("--csv", "excludes --json");
    lanes::DeviceLanes opener(m_choice.onDevice(global().device));
    lanes::ModelUse use = opener.load(m_model);
    const model::Model& model = *use;
    const std::vector<int> tokens = m_input.idsFor(model);
    const evaluation::RepeatedTokens repeated = m_repeated.of(model.config);
    watchInterrupts();
    const lanes::LaneEngine lane = openLane(opener, std::move(use), m_choice, tokens);
    const ProgressLine line;
    const auto progress = [&](std::int64_t done, std::int64_t total) {
      line.show(fmt::format("{} of {} tokens", done, total));
    };
    HeadSurvey survey =
        surveyHeads(*lane.decoder, tokens, repeated, interrupted, progress, {.model = &model});
    line.show({});
    sort(survey);
    if (global().json) {
      fmt::print("{}\n", document(model, lane, tokens.size(), repeated, survey).dump(2));
    } else if (m_csv) {
      printHeadsCsv(survey);
      printEmptyColumns(survey);
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
    std::ranges::stable_sort(survey.heads, std::ranges::greater(), [&](const HeadSurvey::Head& head) {
      const double value = column->of(head);
      return std::isnan(value) ? -std::numeric_limits<double>::infinity() : value;
    });
  }

  nlohmann::ordered_json document(const model::Model& model, const lanes::LaneEngine& lane,
                                  std::size_t tokens, const evaluation::RepeatedTokens& repeated,
                                  const HeadSurvey& survey) const {
    nlohmann::ordered_json induction = {
        {"length", repeated.length},
        {"copies", repeated.copies},
        {"seed", repeated.seed},
        {"draws", repeated.draws},
        {"first_id", repeated.firstId},
        {"end_id", repeated.endId > 0 ? repeated.endId : model.config.vocabSize},
        {"start_token", nullptr}};
    if (repeated.startToken) induction["start_token"] = *repeated.startToken;
    nlohmann::ordered_json document = {{"model", model.path},
                                       {"device", lane.decoder->deviceName()},
                                       {"attention", attentionDocument(model.config.attention)},
                                       {"tokens", tokens},
                                       {"ablated", ablatedDocument(lane.changes)},
                                       {"positions", survey.positions},
                                       {"prefix_matching_positions", survey.prefixPositions},
                                       {"windows", survey.windows},
                                       {"interrupted", !survey.isWhole},
                                       {"repeated_tokens", induction},
                                       {"meanings", headMeanings()},
                                       {"left_out", omissionsDocument(survey)},
                                       {"heads", headsDocument(survey)}};
    document.update(headPairsDocuments(survey, model.config.attention));
    document["subspaces"] = subspacesDocument(survey, model);
    return document;
  }

  void printTable(const model::Model& model, const lanes::LaneEngine& lane, std::size_t tokens,
                  const HeadSurvey& survey) const {
    fmt::print("{}, computed by {}: {} tokens in {}\nmeans over the {} positions behind the first of each; ",
               model::nameWith(model.path, lane.changes), lane.decoder->deviceName(), tokens,
               survey.windows == 1 ? "one window" : fmt::format("{} windows", survey.windows),
               survey.positions);
    fmt::print("prefix_matching over {} of them, induction over {}\n", survey.prefixPositions,
               m_repeated.text());
    printHeadsTable(survey);
    printSharedHeads(survey, model);
  }

  std::string m_model;
  TokenInput m_input;
  bool m_csv = false;
  std::string m_sort;
  RepeatedArguments m_repeated;
  DecoderChoice m_choice;
};

}  // namespace

std::unique_ptr<Command> registerHeadsCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<HeadsCommand>(app, global);
}

}  // namespace headroom::cli
