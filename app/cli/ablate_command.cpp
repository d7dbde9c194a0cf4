#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/ablation_report.h"
#include "app/cli/commands.h"
#include "app/cli/decoder_choice.h"
#include "app/cli/interrupt.h"
#include "app/cli/model_argument.h"
#include "app/cli/output_argument.h"
#include "app/cli/progress_line.h"
#include "app/cli/token_arguments.h"
#include "core/evaluation/ablation_survey.h"
#include "core/formats/npy.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {

using evaluation::AblationSurvey;
using evaluation::AblationUnit;

class AblateCommand final : public Command {
 public:
  AblateCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "ablate",
                "What each head is worth: the change of loss on a text without it, or with --output the "
                "logits after the last token, [layers][heads][vocab]") {
    addModel(app(), m_model);
    m_input.addOptions(app(), "--text,--prompt-file");
    app().add_flag("--kv", m_isOfKvHeads, "KV heads: all query heads that read one are taken away at once");
    CLI::Option* output =
        m_output.addOptions(app(), "--output", "NPY file to write logits to, float32; may be a pipe");
    app().add_flag("--csv", m_csv, "Print changes of loss as a CSV table")->excludes(output);
    app()
        .add_flag("--effects", m_measuresEffects,
                  "Also how far each head moves distributions of the next token: their divergence, how often "
                  "the most likely token changes, and the rank of the token that came; reads all logits back")
        ->excludes(output);
    app()
        .add_option(
            "--with", m_with,
            "What a head is replaced by: nothing (zero), the mean of its output over the text, or its "
            "values by a fixed pattern of attention")
        ->check(CLI::IsMember({"zero", "mean", "previous-token", "uniform", "first-token"}))
        ->capture_default_str();
    m_choice.addOptions(app());
  }

  void run() override {
    if (m_csv && global().json) throw CLI::ValidationError("--csv", "excludes --json");
    lanes::DeviceLanes opener(m_choice.onDevice(global().device));
    lanes::ModelUse use = opener.load(m_model);
    const model::Model& model = *use;
    const std::vector<int> tokens = m_input.idsFor(model);
    if (m_output.isGiven()) {
      writeLogits(opener, std::move(use), tokens);
    } else {
      measureLosses(opener, std::move(use), tokens);
    }
  }

 private:
  evaluation::HeadReplacement replacement() const {
    return {.output = model::headOutputNamed(m_with).value()};
  }
  AblationUnit unit() const { return m_isOfKvHeads ? AblationUnit::KvHead : AblationUnit::QueryHead; }

  void writeLogits(lanes::DeviceLanes& opener, lanes::ModelUse use, const std::vector<int>& tokens) const {
    const model::Model& model = *use;
    const formats::OutputTarget target = m_output.check(global());
    const int heads = evaluation::headCount(unit(), model.config.attention);
    const std::vector<std::int64_t> shape = {model.config.layerCount, heads, model.config.vocabSize};
    m_output.announce(target, static_cast<std::uint64_t>(shape[0] * shape[1] * shape[2]) * sizeof(float), 0,
                      "take whole groups away with --kv");
    watchInterrupts();
    const lanes::LaneEngine lane = openLane(opener, std::move(use), m_choice);
    // Nothing is written before the first head went through, so that a refused text leaves a pipe empty.
    std::optional<formats::NpyWriter> file;
    const int done = evaluation::logitsWithoutHeads(
        *lane.decoder, tokens, unit(), interrupted,
        [&](std::span<const float> logits) {
          if (!file) file.emplace(m_output.path(), shape);
          file->write(logits);
        },
        replacement());
    if (done < model.config.layerCount * heads) {
      throw model::Cancelled(fmt::format("Interrupted after {} of {} heads; {} is not written", done,
                                         model.config.layerCount * heads, m_output.path()));
    }
    file->commit();
    if (global().json) {
      const nlohmann::ordered_json document = {
          {"model", model.path},   {"device", lane.decoder->deviceName()},
          {"tokens", tokens},      {"unit", unitName(unit())},
          {"replaced_by", m_with}, {"output", m_output.path()},
          {"shape", shape}};
      fmt::print("{}\n", document.dump(2));
    } else {
      fmt::print(messagesBeside(target), "{}: [{}] float32, computed by {}\n", m_output.path(),
                 fmt::join(shape, "]["), lane.decoder->deviceName());
    }
  }

  void measureLosses(lanes::DeviceLanes& opener, lanes::ModelUse use, const std::vector<int>& tokens) const {
    const model::Model& model = *use;
    watchInterrupts();
    const lanes::LaneEngine lane = openLane(opener, std::move(use), m_choice);
    const ProgressLine line;
    const auto progress = [&](std::int64_t done, std::int64_t total) {
      line.show(fmt::format("{} of {} tokens", done, total));
    };
    AblationSurvey survey{.unit = unit(), .replacement = replacement(), .measuresEffects = m_measuresEffects};
    evaluation::surveyAblation(*lane.decoder, tokens, survey, interrupted, progress);
    line.show({});
    const AblationReport report{
        .model = model, .device = lane.decoder->deviceName(), .tokens = tokens.size(), .survey = survey};
    if (global().json) {
      fmt::print("{}\n", report.document().dump(2));
    } else if (m_csv) {
      report.printCsv();
    } else {
      report.printTable();
    }
    if (survey.isWhole) return;
    throw model::Cancelled(
        fmt::format("Interrupted: changes without {} of {} heads are printed", survey.heads.size(),
                    model.config.layerCount * evaluation::headCount(unit(), model.config.attention)));
  }

  std::string m_model;
  TokenInput m_input;
  bool m_isOfKvHeads = false;
  std::string m_with = "zero";
  bool m_csv = false;
  bool m_measuresEffects = false;
  OutputArgument m_output;
  DecoderChoice m_choice;
};

}  // namespace

std::unique_ptr<Command> registerAblateCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<AblateCommand>(app, global);
}

}  // namespace headroom::cli
