#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/decoder_choice.h"
#include "app/cli/interrupt.h"
#include "app/cli/model_argument.h"
#include "app/cli/output_argument.h"
#include "app/cli/token_arguments.h"
#include "core/formats/npy.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {
class LogitsCommand final : public Command {
 public:
  LogitsCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "logits",
                "Next-token logits of every token as an NPY file, [tokens][vocab]") {
    addModel(app(), m_model);
    m_input.addOptions(app());
    m_output.addNpyFile(app());
    app().add_flag("--prefill", m_prefill, "Feed all tokens at once instead of one at a time");
    m_choice.addOptions(app());
    m_choice.addAblation(app());
  }

  void run() override {
    const formats::OutputTarget target = m_output.check(global());
    lanes::DeviceLanes opener(m_choice.onDevice(global().device));
    lanes::ModelUse use = opener.load(m_model);
    const model::Model& model = *use;
    const std::vector<int> tokens = m_input.idsFor(model);
    const std::vector<std::int64_t> shape = {std::ssize(tokens), model.config.vocabSize};
    m_output.announce(target, static_cast<std::uint64_t>(shape[0] * shape[1]) * sizeof(float), 0,
                      "feed fewer tokens");
    watchInterrupts();
    const lanes::LaneEngine lane = openLane(opener, std::move(use), m_choice, tokens);
    model::Decoder* decoder = lane.decoder.get();
    if (m_prefill) {
      const auto records = decoder->run(tokens, model::Capture::none(), model::LogitsRequest::all());
      formats::writeNpy(m_output.path(), shape, model::allLogits(records));
    } else {
      feedOneByOne(*decoder, tokens, shape);
    }
    if (global().json) {
      const nlohmann::ordered_json document = {{"model", model.path},
                                               {"device", decoder->deviceName()},
                                               {"output", m_output.path()},
                                               {"shape", shape}};
      fmt::print("{}\n", document.dump(2));
    } else {
      fmt::print(messagesBeside(target), "{}: [{}][{}] float32, computed by {}\n", m_output.path(), shape[0],
                 shape[1], decoder->deviceName());
    }
  }

 private:
  /// Nothing is written before the first token went through, so that a refused one leaves a pipe empty.
  void feedOneByOne(model::Decoder& decoder, const std::vector<int>& tokens,
                    const std::vector<std::int64_t>& shape) const {
    // What does not fit is refused as a whole, before a part of it is run.
    if (std::ssize(tokens) > decoder.options().contextLength) decoder.run(tokens, model::Capture::none());
    std::optional<formats::NpyWriter> file;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (interrupted()) {
        throw model::Cancelled(fmt::format("Interrupted after {} of {} tokens; {} is not written", i,
                                           tokens.size(), m_output.path()));
      }
      decoder.run(std::span(&tokens[i], 1), model::Capture::none());
      if (!file) file.emplace(m_output.path(), shape);
      file->write(decoder.logits());
    }
    file->commit();
  }

  std::string m_model;
  TokenInput m_input;
  OutputArgument m_output;
  bool m_prefill = false;
  DecoderChoice m_choice;
};
}  // namespace

std::unique_ptr<Command> registerLogitsCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<LogitsCommand>(app, global);
}

}  // namespace headroom::cli
