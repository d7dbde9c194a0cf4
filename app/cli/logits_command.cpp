#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/decoder_factory.h"
#include "app/cli/model_argument.h"
#include "app/cli/token_arguments.h"
#include "core/formats/npy.h"

namespace headroom::cli {

namespace {
class LogitsCommand final : public Command {
 public:
  LogitsCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "logits",
                "Next-token logits of every token as an NPY file, [tokens][vocab]") {
    app().add_option("MODEL", m_model, "GGUF file, or mha, gqa, mqa")->required();
    app().add_option("--tokens", m_input.tokens, "Token ids to feed: 1,2,3")->required();
    app().add_option("--output", m_output, "NPY file to write, float32")->required();
    app().add_flag("--prefill", m_prefill, "Feed all tokens at once instead of one at a time");
    m_choice.addOptions(app());
  }

  void run() override {
    const model::Model model = openModel(m_model);
    const std::vector<int> tokens = m_input.idsFor(model);
    DecoderFactory factory(m_choice, global().device);
    const auto decoder = factory.make(model);
    std::vector<float> logits;
    if (m_prefill) {
      decoder->keepAllLogits(true);
      decoder->run(tokens, model::Capture::none());
      logits.assign(decoder->allLogits().begin(), decoder->allLogits().end());
    } else {
      for (const int token : tokens) {
        decoder->run(std::span(&token, 1), model::Capture::none());
        logits.insert(logits.end(), decoder->logits().begin(), decoder->logits().end());
      }
    }
    const std::vector<std::int64_t> shape = {std::ssize(tokens), model.config.vocabSize};
    formats::writeNpy(m_output, shape, logits);
    if (global().json) {
      const nlohmann::ordered_json document = {
          {"model", model.path}, {"device", decoder->deviceName()}, {"output", m_output}, {"shape", shape}};
      fmt::print("{}\n", document.dump(2));
    } else {
      fmt::print("{}: [{}][{}] float32, computed by {}\n", m_output, shape[0], shape[1],
                 decoder->deviceName());
    }
  }

 private:
  std::string m_model;
  TokenInput m_input;
  std::string m_output;
  bool m_prefill = false;
  DecoderChoice m_choice;
};
}  // namespace

std::unique_ptr<Command> registerLogitsCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<LogitsCommand>(app, global);
}

}  // namespace headroom::cli
