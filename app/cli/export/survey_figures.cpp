#include "app/cli/export/survey_figures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "app/cli/index_range.h"
#include "app/cli/interrupt.h"
#include "app/cli/progress_line.h"
#include "app/figures/subspace_figure.h"
#include "core/evaluation/head_survey.h"
#include "core/model/clock.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {

constexpr const char* kWeights = "weights";
constexpr const char* kCache = "cache";
/// Of a decode, which these figures are not.
constexpr std::array kDecodeOptions = {"--max-tokens", "--temperature", "--top-k",          "--top-p",
                                       "--seed",       "--lockstep",    "--when-text-ends", "--batch"};

std::vector<std::string> columnNames() {
  std::vector<std::string> names;
  for (const analysis::HeadColumn& column : analysis::headColumns()) names.emplace_back(column.name);
  return names;
}

/// What --of may say, the first without it.
std::vector<std::string> choicesOf(const std::string& what) {
  if (what == SurveyFigures::kRanks) return {kCache, kWeights};
  std::vector<std::string> names;
  for (const analysis::HeadComparison& comparison : analysis::headComparisons())
    names.emplace_back(comparison.name);
  return names;
}

/// What came of one model.
struct Surveyed {
  std::string title;
  std::string name;
  std::string device;
  model::ModelConfig config;
  analysis::HeadSurvey survey;
  std::vector<analysis::LayerSubspaces> weights;
};

Surveyed readModel(lanes::DeviceLanes& opener, const std::string& argument, const DecodeArguments& decode,
                   const RepeatedArguments& repeated, std::optional<int> layer,
                   SurveyFigures::ReadModel& read) {
  lanes::ModelUse use = opener.load(argument);
  const model::Model& model = *use;
  if (layer) parseIndices("--layer", std::to_string(*layer), model.config.layerCount, "layer");
  const std::vector<int> tokens = decode.input().idsFor(model);
  const evaluation::RepeatedTokens again = repeated.of(model.config);
  lanes::LaneEngine lane = openLane(opener, std::move(use), decode.choice(), tokens);
  lane.name = lanes::laneTitle(argument);
  const ProgressLine line;
  Surveyed result{.title = lane.title(),
                  .name = model.config.name,
                  .device = lane.decoder->deviceName(),
                  .config = model.config,
                  .survey = evaluation::surveyHeads(*lane.decoder, tokens, again, interrupted,
                                                    [&](std::int64_t done, std::int64_t total) {
                                                      line.show(fmt::format("{}: {} of {} tokens", argument,
                                                                            done, total));
                                                    },
                                                    {.model = &model}),
                  .weights = analysis::weightSubspaces(model)};
  if (!result.survey.isWhole)
    throw model::Cancelled(
        fmt::format("Interrupted: {} of {} positions of the text were read, and nothing "
                    "was written",
                    result.survey.positions, tokens.size()));
  read = {model.path, result.device, std::ssize(tokens)};
  return result;
}

figures::Figure ranksFigure(const std::vector<Surveyed>& models,
                            const std::vector<SurveyFigures::ReadModel>& read, figures::SubspacesOf of,
                            const figures::FigureOrigin& origin) {
  std::vector<figures::SubspaceLane> lanes;
  const auto& colors = analysis::kLaneColorsOnLight;
  for (std::size_t index = 0; index < models.size(); ++index) {
    lanes.push_back({.title = models[index].title,
                     .model = models[index].name,
                     .color = colors[index % colors.size()],
                     .positions = static_cast<int>(read[index].positions),
                     .weights = models[index].weights,
                     .cached = models[index].survey.cached});
  }
  return figures::subspaceFigure(lanes, of, origin.text());
}

}  // namespace

bool SurveyFigures::has(const std::string& what) {
  return std::ranges::count(names(), what) > 0;
}

void SurveyFigures::addOptions(CLI::App& app) {
  m_options = {{app.add_option("--of", m_of,
                               "Of pairs: attention, outputs, keys or values; of ranks: cache or weights"),
                {kPairs, kRanks}},
               {app.add_option("--column", m_column, "Of heads: which number of them")
                    ->check(CLI::IsMember(columnNames()))
                    ->capture_default_str(),
                {kHeads}}};
  m_repeated.addOptions(app, "--induction-seed");
  for (const char* name : {"--induction-length", "--induction-copies", "--induction-ids", "--induction-start",
                           "--induction-draws", "--induction-seed"})
    m_options.push_back({app.get_option(name), names()});
}

std::string SurveyFigures::ofFor(const std::string& what) const {
  return m_of.empty() ? choicesOf(what).front() : m_of;
}

void SurveyFigures::checkUsage(const std::string& what, const CLI::App& app) const {
  for (const char* name : kDecodeOptions) {
    if (app.get_option(name)->count() > 0)
      throw CLI::ValidationError(name, fmt::format("is of a decode, {} reads the text only", what));
  }
  if (what == kHeads) return;
  const std::vector<std::string> choices = choicesOf(what);
  if (std::ranges::count(choices, ofFor(what)) == 0) {
    throw CLI::ValidationError(
        "--of", fmt::format("{} has no {}, expected {}", what, m_of, fmt::join(choices, ", ")));
  }
}

figures::Figure SurveyFigures::figure(const std::string& what, const DecodeArguments& decode,
                                      lanes::DeviceLanes& opener, std::optional<int> layer,
                                      std::vector<ReadModel>& read) const {
  std::vector<Surveyed> models;
  for (const std::string& argument : decode.models())
    models.push_back(readModel(opener, argument, decode, m_repeated, layer, read.emplace_back()));
  const figures::FigureOrigin origin{model::dateText(), HEADROOM_VERSION};
  if (what == kRanks) {
    return ranksFigure(models, read,
                       ofFor(what) == kWeights ? figures::SubspacesOf::Weights : figures::SubspacesOf::Cache,
                       origin);
  }
  std::vector<figures::SurveyedLane> lanes;
  const auto& colors = analysis::kLaneColorsOnLight;
  for (std::size_t index = 0; index < models.size(); ++index) {
    lanes.push_back({.title = models[index].title,
                     .model = models[index].name,
                     .device = models[index].device,
                     .text = decode.input().name(),
                     .repeated = m_repeated.text(),
                     .color = colors[index % colors.size()],
                     .attention = models[index].config.attention,
                     .layerCount = models[index].config.layerCount,
                     .survey = &models[index].survey});
  }
  if (what == kPairs) {
    const auto comparison =
        std::ranges::find(analysis::headComparisons(), ofFor(what), &analysis::HeadComparison::name);
    return figures::headPairsFigure(lanes, *comparison, layer, origin);
  }
  const auto column = std::ranges::find(analysis::headColumns(), m_column, &analysis::HeadColumn::name);
  return figures::headScoresFigure(lanes, *column, origin);
}

}  // namespace headroom::cli
