#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/model_argument.h"
#include "app/cli/named_values.h"
#include "app/cli/output_argument.h"
#include "app/cli/progress_line.h"
#include "app/cli/token_arguments.h"
#include "core/evaluation/patch_survey.h"
#include "core/formats/npy.h"
#include "core/lanes/device_lanes.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {

using evaluation::PatchPlace;
using evaluation::PatchQuestion;
using evaluation::PatchSurvey;

constexpr const char* kComputedBy = "float64 on the processor";

class PatchCommand final : public Command {
 public:
  PatchCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "patch",
                "What each head, or the residual stream at each position, carries from a clean text into a "
                "corrupt one, as an NPY file: effect on the difference of two logits, [layers][query_heads] "
                "or [layers + 1][tokens]; in float64 on the processor") {
    addModel(app(), m_model);
    app()
        .add_option("--clean", m_clean, "Token ids of the text that values are copied from: 1,2,3")
        ->required();
    app()
        .add_option("--corrupt", m_corrupt, "Token ids, as many, of the text that they are copied into")
        ->required();
    app()
        .add_option("--answer", m_answer,
                    "Two token ids: the logit of the first less that of the second counts")
        ->required();
    app()
        .add_option("--at", m_place,
                    "What is copied: heads, each at all positions, or residual, at one position")
        ->required()
        ->check(CLI::IsMember({"heads", "residual"}));
    m_output.addNpyFile(app());
    addContext(app(), m_contextLength);
  }

  void run() override {
    const formats::OutputTarget target = m_output.check(global());
    const PatchQuestion question = this->question();
    lanes::DeviceLanes opener({.backend = lanes::Backend::Reference, .device = global().device});
    const lanes::ModelUse use = opener.load(m_model);
    const model::Model& model = *use;
    const PatchPlace place = m_place == "heads" ? PatchPlace::Heads : PatchPlace::Residual;
    const std::int64_t rows = model.config.layerCount + (place == PatchPlace::Heads ? 0 : 1);
    const std::int64_t columns =
        place == PatchPlace::Heads ? model.config.attention.queryHeadCount : std::ssize(question.clean);
    m_output.announce(target, static_cast<std::uint64_t>(rows * columns) * sizeof(float), 0,
                      "take shorter texts");
    watchInterrupts();
    const ProgressLine line;
    const auto progress = [&](std::int64_t done, std::int64_t total) {
      line.show(fmt::format("{} of {} copies", done, total));
    };
    const PatchSurvey survey =
        evaluation::surveyPatches(model, question, place, m_contextLength, interrupted, progress);
    line.show({});
    const std::vector<std::int64_t> shape = {rows, columns};
    if (!survey.isWhole) {
      throw model::Cancelled(fmt::format("Interrupted after {} of {} copies; {} is not written",
                                         survey.effects.size(), rows * columns, m_output.path()));
    }
    const std::vector<float> effects(survey.effects.begin(), survey.effects.end());
    formats::writeNpy(m_output.path(), shape, effects);
    if (global().json) {
      fmt::print("{}\n", document(model, question, survey, shape).dump(2));
    } else {
      fmt::print(messagesBeside(target),
                 "{}: [{}] float32, computed in {}\nlogit {} - logit {} after the last token: clean {:.6f}, "
                 "corrupt {:.6f}; an effect is that of the corrupt text with a copy less that without\n",
                 m_output.path(), fmt::join(shape, "]["), kComputedBy, question.answer, question.otherAnswer,
                 survey.cleanDifference, survey.corruptDifference);
    }
  }

 private:
  PatchQuestion question() const {
    const std::vector<int> answers = parseIds(m_answer);
    if (answers.size() != 2) {
      throw CLI::ValidationError("--answer",
                                 fmt::format("{} token {} given, expected two: 17,42", answers.size(),
                                             answers.size() == 1 ? "id is" : "ids are"));
    }
    return {.clean = parseIds(m_clean),
            .corrupt = parseIds(m_corrupt),
            .answer = answers[0],
            .otherAnswer = answers[1]};
  }

  nlohmann::ordered_json document(const model::Model& model, const PatchQuestion& question,
                                  const PatchSurvey& survey, const std::vector<std::int64_t>& shape) const {
    return {
        {"model", model.path},
        {"computed_in", kComputedBy},
        {"clean", question.clean},
        {"corrupt", question.corrupt},
        {"answer", {question.answer, question.otherAnswer}},
        {"at", m_place},
        {"clean_difference", survey.cleanDifference},
        {"corrupt_difference", survey.corruptDifference},
        {"meaning",
         "difference: logit of the first answer less that of the second after the last token; effect: the "
         "corrupt text's difference with a copy of the clean one's values less that without"},
        {"output", m_output.path()},
        {"shape", shape}};
  }

  std::string m_model;
  std::string m_clean;
  std::string m_corrupt;
  std::string m_answer;
  std::string m_place;
  int m_contextLength = 0;
  OutputArgument m_output;
};

}  // namespace

std::unique_ptr<Command> registerPatchCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<PatchCommand>(app, global);
}

}  // namespace headroom::cli
