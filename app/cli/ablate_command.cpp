#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/decoder_choice.h"
#include "app/cli/interrupt.h"
#include "app/cli/model_argument.h"
#include "app/cli/output_argument.h"
#include "app/cli/progress_line.h"
#include "app/cli/report_parts.h"
#include "app/cli/token_arguments.h"
#include "core/evaluation/ablation_survey.h"
#include "core/formats/npy.h"
#include "core/model/error.h"
#include "core/model/statistics.h"

namespace headroom::cli {

namespace {

using evaluation::AblationSurvey;
using evaluation::AblationUnit;

constexpr const char* kMeaning =
    "mean loss without the head, its output set to 0 before W_O, less that with it, nats per token";

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
  AblationUnit unit() const { return m_isOfKvHeads ? AblationUnit::KvHead : AblationUnit::QueryHead; }
  const char* unitName() const { return m_isOfKvHeads ? "kv_head" : "query_head"; }

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
    const int done = evaluation::logitsWithoutHeads(*lane.decoder, tokens, unit(), interrupted,
                                                    [&](std::span<const float> logits) {
                                                      if (!file) file.emplace(m_output.path(), shape);
                                                      file->write(logits);
                                                    });
    if (done < model.config.layerCount * heads) {
      throw model::Cancelled(fmt::format("Interrupted after {} of {} heads; {} is not written", done,
                                         model.config.layerCount * heads, m_output.path()));
    }
    file->commit();
    if (global().json) {
      const nlohmann::ordered_json document = {
          {"model", model.path},       {"device", lane.decoder->deviceName()},
          {"tokens", tokens},          {"unit", unitName()},
          {"output", m_output.path()}, {"shape", shape}};
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
    AblationSurvey survey{.unit = unit()};
    evaluation::surveyAblation(*lane.decoder, tokens, survey, interrupted, progress);
    line.show({});
    if (global().json) {
      fmt::print("{}\n", document(model, *lane.decoder, tokens.size(), survey).dump(2));
    } else if (m_csv) {
      printCsv(model.config.attention, survey);
    } else {
      printTable(model, *lane.decoder, tokens.size(), survey);
    }
    if (survey.isWhole) return;
    throw model::Cancelled(
        fmt::format("Interrupted: changes without {} of {} heads are printed", survey.heads.size(),
                    model.config.layerCount * evaluation::headCount(unit(), model.config.attention)));
  }

  /// The change as it is shown: none where rounding alone moves losses as far.
  static double shownChange(const AblationSurvey::Head& head) { return head.withinNoise ? 0.0 : head.change; }

  nlohmann::ordered_json document(const model::Model& model, const model::Decoder& decoder,
                                  std::size_t tokens, const AblationSurvey& survey) const {
    nlohmann::ordered_json heads = nlohmann::ordered_json::array();
    for (const AblationSurvey::Head& head : survey.heads) {
      nlohmann::ordered_json entry = {{"layer", head.layer}};
      if (!m_isOfKvHeads) entry["head"] = head.head;
      entry["kv_head"] = m_isOfKvHeads ? head.head : model.config.attention.kvHeadOf(head.head);
      entry["change"] = shownChange(head);
      entry["standard_error"] = head.standardError;
      entry["within_noise"] = head.withinNoise;
      heads.push_back(std::move(entry));
    }
    nlohmann::ordered_json baseline, noise;
    if (!survey.baseline.empty()) {
      const model::Mean mean = model::meanOf(std::span<const float>(survey.baseline));
      baseline = {{"nats_per_token", mean.value},
                  {"standard_error", mean.standardError},
                  {"predicted_tokens", survey.baseline.size()},
                  {"windows", survey.windows}};
    }
    if (survey.noise) {
      noise = {{"mean", survey.noise->mean},
               {"largest", survey.noise->largest},
               {"tokens_of_a_step", survey.noise->blockTokens}};
    }
    return {{"model", model.path},
            {"device", decoder.deviceName()},
            {"attention", attentionDocument(model.config.attention)},
            {"tokens", tokens},
            {"unit", unitName()},
            {"interrupted", !survey.isWhole},
            {"baseline", baseline},
            {"noise", noise},
            {"meanings",
             {{"change", kMeaning},
              {"standard_error", "of the mean of the tokens' own differences"},
              {"within_noise", "the change is not above noise.mean, so it is shown as 0"},
              {"noise",
               "how far the loss of a token moves when only the split of the text into steps changes, and at "
               "least as floats lie apart, nats"}}},
            {"heads", heads}};
  }

  void printCsv(const model::AttentionShape& shape, const AblationSurvey& survey) const {
    fmt::print("layer,{}kv_head,change,standard_error,within_noise\n", m_isOfKvHeads ? "" : "head,");
    for (const AblationSurvey::Head& head : survey.heads) {
      fmt::print("{},", head.layer);
      if (!m_isOfKvHeads) fmt::print("{},", head.head);
      fmt::print("{},{},{},{}\n", m_isOfKvHeads ? head.head : shape.kvHeadOf(head.head), shownChange(head),
                 head.standardError, head.withinNoise);
    }
  }

  void printTable(const model::Model& model, const model::Decoder& decoder, std::size_t tokens,
                  const AblationSurvey& survey) const {
    fmt::print("{}, computed by {}: {} tokens in {}\n", model.path, decoder.deviceName(), tokens,
               survey.windows == 1 ? "one window" : fmt::format("{} windows", survey.windows));
    if (!survey.noise) return;
    const model::Mean mean = model::meanOf(std::span<const float>(survey.baseline));
    fmt::print("with all heads {:.4f} nats per token, standard error {:.4f}, over {} predicted tokens\n",
               mean.value, mean.standardError, survey.baseline.size());
    fmt::print("  change          {}\n  standard_error  of the mean of the tokens' own differences\n",
               kMeaning);
    fmt::print(
        "  none            not above {:.2g}: as far the loss of a token moves on average ({:.2g} at most)\n"
        "                  when steps have only {} of the tokens\n\n",
        survey.noise->mean, survey.noise->largest, survey.noise->blockTokens);
    fmt::print("{:>5}", "layer");
    if (!m_isOfKvHeads) fmt::print("{:>5}", "head");
    fmt::print("{:>4}{:>14}{:>16}\n", "KV", "change", "standard_error");
    for (const AblationSurvey::Head& head : survey.heads) {
      fmt::print("{:>5}", head.layer);
      if (!m_isOfKvHeads) fmt::print("{:>5}", head.head);
      fmt::print("{:>4}{:>14}{:>16.6f}\n",
                 m_isOfKvHeads ? head.head : model.config.attention.kvHeadOf(head.head),
                 head.withinNoise ? "none" : fmt::format("{:+.6f}", head.change), head.standardError);
    }
  }

  std::string m_model;
  TokenInput m_input;
  bool m_isOfKvHeads = false;
  bool m_csv = false;
  OutputArgument m_output;
  DecoderChoice m_choice;
};

}  // namespace

std::unique_ptr<Command> registerAblateCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<AblateCommand>(app, global);
}

}  // namespace headroom::cli
