#include <fmt/format.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/cli/commands.h"
#include "app/cli/decode_arguments.h"
#include "app/cli/export/run_figures.h"
#include "app/cli/export/survey_figures.h"
#include "app/cli/index_range.h"
#include "app/cli/interrupt.h"
#include "app/cli/output_argument.h"
#include "app/figures/figure_file.h"
#include "app/figures/map_figure.h"
#include "app/figures/offscreen.h"
#include "core/formats/npy.h"
#include "core/model/clock.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {

using figures::LaneChart;

struct ChartName {
  const char* name;
  LaneChart chart;
};
constexpr std::array<ChartName, 5> kCharts{{{"growth", LaneChart::Growth},
                                            {"traffic", LaneChart::Traffic},
                                            {"stages", LaneChart::Stages},
                                            {"roofline", LaneChart::Roofline},
                                            {"geometry", LaneChart::Geometry}}};
constexpr const char* kMap = "map";

std::vector<std::string> figureNames() {
  std::vector<std::string> names{kMap};
  for (const ChartName& chart : kCharts) names.emplace_back(chart.name);
  for (const std::string& name : SurveyFigures::names()) names.push_back(name);
  return names;
}

/// Of the first `count` values, which are the window's names too.
template <typename Value>
std::vector<std::string> namesOf(std::string_view (*nameOf)(Value), int count) {
  std::vector<std::string> names;
  for (int value = 0; value < count; ++value) names.emplace_back(nameOf(static_cast<Value>(value)));
  return names;
}

std::vector<std::string> scaleNames() {
  return namesOf(analysis::mapScaleName, analysis::kMapScaleCount);
}

std::vector<std::string> colorNames() {
  return namesOf(analysis::colorMapName, analysis::kColorMapCount);
}

/// Of a name that CLI::IsMember() has checked.
template <typename Value>
Value named(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<Value>(std::ranges::find(names, name) - names.begin());
}

class ExportCommand final : public Command {
 public:
  ExportCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(
            parent, global, "export",
            "Decode a text and write a figure of it, or read it and write one of what heads do: PNG, SVG or "
            "PDF, or its numbers as CSV; the rows of a map also as NPY, [T][T]") {
    app().add_option("WHAT", m_what, "What it shows")->required()->check(CLI::IsMember(figureNames()));
    m_decode.addOptions(app(), "--text,--prompt-file");
    m_output
        .addOptions(app(), "--output", "File to write; its ending says as what: .png, .svg, .pdf, .csv, .npy")
        ->required();
    m_survey.addOptions(app());
    m_layerOption =
        app()
            .add_option("--layer", m_layer, "Of a map: the layer, 0 without; of pairs: all without")
            ->check(CLI::NonNegativeNumber);
    m_options = m_survey.options();
    m_options.push_back({m_layerOption, {kMap, SurveyFigures::kPairs}});
    m_options.push_back(
        {app().add_option("--head", m_head, "Of a map: the query head")->check(CLI::NonNegativeNumber),
         {kMap}});
    m_options.push_back({app()
                             .add_option("--scale", m_scale, "Of a map: how attention becomes a colour")
                             ->check(CLI::IsMember(scaleNames()))
                             ->capture_default_str(),
                         {kMap}});
    m_options.push_back({app()
                             .add_option("--colors", m_colors, "Of a map: its colours")
                             ->check(CLI::IsMember(colorNames()))
                             ->capture_default_str(),
                         {kMap}});
    app()
        .add_option("--width", m_size.width, "Pixels across of a picture, at 96 per inch")
        ->check(CLI::Range(figures::PictureSize::kLeastWidth, figures::PictureSize::kMostWidth))
        ->capture_default_str();
    app()
        .add_option("--pixel-ratio", m_size.scale, "Of a PNG: its pixels per pixel of the width")
        ->check(numberFrom(figures::PictureSize::kLeastScale, figures::PictureSize::kMostScale))
        ->capture_default_str();
  }

  void run() override {
    checkUsage();
    const formats::OutputTarget target = m_output.check(global());
    watchInterrupts();
    lanes::DeviceLanes opener(m_decode.onDevice(global().device));
    if (SurveyFigures::has(m_what)) {
      std::vector<SurveyFigures::ReadModel> read;
      write(m_survey.figure(m_what, m_decode, opener,
                            m_layerOption->count() > 0 ? std::optional(m_layer) : std::nullopt, read));
      report(read, target);
      return;
    }
    std::vector<LaneRun> runs(at(m_decode.laneCount()));
    lanes::LaneSet set(
        m_decode.laneSetOptions(),
        [&](int lane, int position, int count) { return blockAt(runs[at(lane)], position, count); },
        {.stepDone = [&](lanes::LaneStep step) { runs[at(step.lane)].keep(std::move(step)); },
         .laneStopped = {}});
    m_decode.openLanes(opener, runs, set, [&](int lane, const model::ModelConfig& config, int tokens) {
      if (isMap()) record(runs[at(lane)], config, tokens, target);
    });
    runLanes(set, m_decode.maxTokens());
    if (isRows()) {
      writeRows(runs.front(), set.lane(0));
    } else {
      const figures::Figure figure =
          isMap() ? mapFigure(runs.front(), set.lane(0)) : chartFigure(opener, runs, set);
      write(figure);
    }
    std::vector<SurveyFigures::ReadModel> read;
    for (int lane = 0; lane < set.laneCount(); ++lane) {
      read.push_back({set.lane(lane).engine.model->path, set.lane(lane).engine.decoder->deviceName(),
                      set.lane(lane).fed()});
    }
    report(read, target);
  }

 private:
  static std::size_t at(int lane) { return static_cast<std::size_t>(lane); }
  bool isMap() const { return m_what == kMap; }
  bool isRows() const { return m_kind == figures::FileKind::Npy; }

  void checkUsage() {
    m_kind = parseOption("--output", [&] { return figures::fileKindOf(m_output.path()); });
    if (isRows() && !isMap()) {
      throw CLI::ValidationError(
          "--output", fmt::format("{}: NPY holds the rows of a map, expected .png, .svg, .pdf or .csv for {}",
                                  m_output.path(), m_what));
    }
    if (isMap() && m_decode.laneCount() > 1) {
      throw CLI::ValidationError(
          "MODEL", fmt::format("a map is of one model, {} are given, expected 1", m_decode.laneCount()));
    }
    for (const SurveyFigures::Of& of : m_options) {
      if (of.option->count() == 0 || std::ranges::count(of.figures, m_what) > 0) continue;
      throw CLI::ValidationError(of.option->get_name(),
                                 fmt::format("is of {}, not of {}", fmt::join(of.figures, " or "), m_what));
    }
    if (SurveyFigures::has(m_what)) m_survey.checkUsage(m_what, app());
  }

  static lanes::LaneSet::Block blockAt(const LaneRun& run, int position, int count) {
    if (run.recorder) return run.recorder->blockAt(position, count);
    return {count, model::Capture::none()};
  }

  void record(LaneRun& run, const model::ModelConfig& config, int tokens,
              const formats::OutputTarget& target) const {
    formats::AttentionSelection selection{
        .layers = parseIndices("--layer", std::to_string(m_layer), config.layerCount, "layer"),
        .queryHeads =
            parseIndices("--head", std::to_string(m_head), config.attention.queryHeadCount, "query head"),
        .firstRow = 0,
        .endRow = tokens};
    m_output.announce(target, isRows() ? selection.mapBytes(tokens) : 0, selection.spoolBytes(tokens),
                      "write less with --max-tokens");
    run.recorder = std::make_unique<AttentionRecorder>(std::move(selection), target);
  }

  void writeRows(const LaneRun& run, const lanes::LaneSet::Lane& lane) const {
    formats::NpyWriter file(m_output.path(), {lane.fed(), lane.fed()});
    run.recorder->rows().eachRow(lane.fed(), [&](std::span<const std::byte> row) { file.write(row); });
    file.commit();
  }

  figures::Figure mapFigure(const LaneRun& run, const lanes::LaneSet::Lane& lane) const {
    figures::MapFigure map({m_layer, m_head}, lane.fed());
    std::vector<float> row(at(lane.fed()));
    int position = 0;
    run.recorder->rows().eachRow(lane.fed(), [&](std::span<const std::byte> bytes) {
      std::memcpy(row.data(), bytes.data(), bytes.size());
      map.addRow(position, std::span(row).first(at(position) + 1));
      ++position;
    });
    return map.figure(figureLane(run, lane, 0),
                      {.scale = named<analysis::MapScale>(scaleNames(), m_scale),
                       .colors = named<analysis::ColorMap>(colorNames(), m_colors)},
                      tokenLabels(lane), model::dateText());
  }

  figures::Figure chartFigure(lanes::DeviceLanes& opener, const std::vector<LaneRun>& runs,
                              const lanes::LaneSet& set) const {
    const auto chart = std::ranges::find(kCharts, m_what,
                                         [](const ChartName& named) { return std::string_view(named.name); });
    std::vector<figures::FigureLane> shown;
    bool ranOnDevice = false;
    for (int lane = 0; lane < set.laneCount(); ++lane) {
      shown.push_back(figureLane(runs[at(lane)], set.lane(lane), lane));
      ranOnDevice = ranOnDevice || shown.back().measurement.ranOnDevice();
    }
    model::DeviceCeilings ceilings;
    if (chart->chart == LaneChart::Roofline && ranOnDevice)
      ceilings = lanes::keptElseMeasured(opener).ceilings;
    return figures::laneFigure(chart->chart, shown, ceilings, model::dateText());
  }

  void write(const figures::Figure& figure) const {
    std::optional<figures::Offscreen> offscreen;
    if (m_kind != figures::FileKind::Csv) offscreen.emplace();
    figures::saveFigure(figure, m_output.path(), m_size);
  }

  void report(const std::vector<SurveyFigures::ReadModel>& models,
              const formats::OutputTarget& target) const {
    nlohmann::ordered_json lanes = nlohmann::ordered_json::array();
    for (const SurveyFigures::ReadModel& model : models)
      lanes.push_back({{"model", model.path}, {"device", model.device}, {"positions", model.positions}});
    if (global().json) {
      fmt::print("{}\n", nlohmann::ordered_json(
                             {{"what", m_what}, {"output", m_output.path()}, {"lanes", std::move(lanes)}})
                             .dump(2));
      return;
    }
    fmt::print(messagesBeside(target), "{}: {}, computed by {}\n", m_output.path(), m_what,
               models.front().device);
  }

  std::string m_what;
  DecodeArguments m_decode;
  OutputArgument m_output;
  figures::FileKind m_kind = figures::FileKind::Png;
  int m_layer = 0;
  int m_head = 0;
  std::string m_scale{analysis::mapScaleName(analysis::MapLook{}.scale)};
  std::string m_colors{analysis::colorMapName(analysis::MapLook{}.colors)};
  CLI::Option* m_layerOption = nullptr;
  SurveyFigures m_survey;
  std::vector<SurveyFigures::Of> m_options;
  figures::PictureSize m_size;
};
}  // namespace

std::unique_ptr<Command> registerExportCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<ExportCommand>(app, global);
}

}  // namespace headroom::cli
