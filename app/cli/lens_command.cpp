#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/attribution_report.h"
#include "app/cli/commands.h"
#include "app/cli/decoder_choice.h"
#include "app/cli/index_range.h"
#include "app/cli/interrupt.h"
#include "app/cli/model_argument.h"
#include "app/cli/output_argument.h"
#include "app/cli/token_arguments.h"
#include "core/evaluation/logit_lens.h"
#include "core/formats/npy.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {

class LensCommand final : public Command {
 public:
  LensCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "lens",
                "What a model would say if it ended before a layer: the most likely tokens by layer at one "
                "position, or with --output all logits, [layers + 1][tokens][vocab]; with --attribute what "
                "each head and layer adds to a logit") {
    addModel(app(), m_model);
    m_input.addOptions(app());
    CLI::Option* output =
        m_output.addOptions(app(), "--output", "NPY file to write logits to, float32; may be a pipe");
    app()
        .add_option("--position", m_position, "Position that is looked at; the last without")
        ->check(CLI::NonNegativeNumber)
        ->excludes(output);
    CLI::Option* top = app()
                           .add_option("--top", m_top, "Most likely tokens that are printed")
                           ->check(CLI::Range(1, 1000))
                           ->capture_default_str()
                           ->excludes(output);
    CLI::Option* attribute =
        app()
            .add_option("--attribute", m_attribute,
                        "Id of a token: what each head, MLP, embedding and bias adds to its logit; of two, "
                        "A,B, to the logit of A less that of B")
            ->excludes(output)
            ->excludes(top);
    app().add_flag("--csv", m_csv, "Print what is added as a CSV table")->needs(attribute);
    m_choice.addOptions(app());
  }

  void run() override {
    if (m_csv && global().json) throw CLI::ValidationError("--csv", "excludes --json");
    const std::optional<evaluation::LogitQuestion> question = askedAbout();
    lanes::DeviceLanes opener(m_choice.onDevice(global().device));
    lanes::ModelUse use = opener.load(m_model);
    const model::Model& model = *use;
    const std::vector<int> tokens = m_input.idsFor(model);
    if (m_output.isGiven()) {
      writeLogits(opener, std::move(use), tokens);
    } else if (question) {
      printAttribution(opener, std::move(use), tokens, *question);
    } else {
      printTokens(opener, std::move(use), tokens);
    }
  }

 private:
  /// What comes most likely next, as read off the residual stream before a layer.
  struct Layer {
    int layer = 0;
    model::Distribution next;
  };

  void writeLogits(lanes::DeviceLanes& opener, lanes::ModelUse use, const std::vector<int>& tokens) const {
    const model::Model& model = *use;
    const formats::OutputTarget target = m_output.check(global());
    const std::vector<std::int64_t> shape = {model.config.layerCount + 1, std::ssize(tokens),
                                             model.config.vocabSize};
    m_output.announce(target, static_cast<std::uint64_t>(shape[0] * shape[1] * shape[2]) * sizeof(float), 0,
                      "feed fewer tokens");
    watchInterrupts();
    const lanes::LaneEngine lane = openLane(opener, std::move(use), m_choice);
    // Nothing is written before the text went through, so that a refused one leaves a pipe empty.
    std::optional<formats::NpyWriter> file;
    const bool isWhole = evaluation::readLens(*lane.decoder, model, tokens,
                                              {.first = 0, .count = static_cast<int>(tokens.size())},
                                              interrupted, [&](int, int, std::span<const float> logits) {
                                                if (!file) file.emplace(m_output.path(), shape);
                                                file->write(logits);
                                              });
    if (!isWhole) throw model::Cancelled(fmt::format("Interrupted; {} is not written", m_output.path()));
    file->commit();
    if (global().json) {
      const nlohmann::ordered_json document = {{"model", model.path},
                                               {"device", lane.decoder->deviceName()},
                                               {"tokens", tokens},
                                               {"output", m_output.path()},
                                               {"shape", shape}};
      fmt::print("{}\n", document.dump(2));
    } else {
      fmt::print(messagesBeside(target), "{}: [{}] float32, residual stream by {}, read off in float64\n",
                 m_output.path(), fmt::join(shape, "]["), lane.decoder->deviceName());
    }
  }

  /// Nothing without --attribute.
  std::optional<evaluation::LogitQuestion> askedAbout() const {
    if (m_attribute.empty()) return {};
    const std::vector<int> ids = parseIds(m_attribute);
    const bool isOne = ids.size() == 1;
    if (!isOne && ids.size() != 2) {
      throw CLI::ValidationError("--attribute", fmt::format("has {} ids, expected one, or two", ids.size()));
    }
    if (isOne) return evaluation::LogitQuestion{.token = ids[0]};
    if (ids[0] == ids[1])
      throw CLI::ValidationError("--attribute", fmt::format("has {} twice, expected two tokens", ids[0]));
    return evaluation::LogitQuestion{.token = ids[0], .other = ids[1]};
  }

  /// The position that is looked at of `count`.
  int positionOf(int count) const {
    return m_position < 0 ? count - 1
                          : parseRange("--position", std::to_string(m_position), count, "position").first;
  }

  void printAttribution(lanes::DeviceLanes& opener, lanes::ModelUse use, const std::vector<int>& tokens,
                        const evaluation::LogitQuestion& question) const {
    const model::Model& model = *use;
    const int at = positionOf(static_cast<int>(tokens.size()));
    const lanes::LaneEngine lane = openLane(opener, std::move(use), m_choice);
    const AttributionReport report{
        .model = model,
        .device = lane.decoder->deviceName(),
        .tokens = tokens,
        .position = at,
        .question = question,
        .attribution = evaluation::attributeLogit(*lane.decoder, model, tokens, at, question)};
    if (global().json) {
      fmt::print("{}\n", report.document().dump(2));
    } else if (m_csv) {
      report.printCsv();
    } else {
      report.printTable();
    }
  }

  void printTokens(lanes::DeviceLanes& opener, lanes::ModelUse use, const std::vector<int>& tokens) const {
    const model::Model& model = *use;
    const int at = positionOf(static_cast<int>(tokens.size()));
    watchInterrupts();
    const lanes::LaneEngine lane = openLane(opener, std::move(use), m_choice);
    std::vector<Layer> layers;
    const bool isWhole =
        evaluation::readLens(*lane.decoder, model, tokens, {.first = at, .count = 1}, interrupted,
                             [&](int layer, int, std::span<const float> logits) {
                               layers.push_back({layer, model::summarise(logits, m_top)});
                             });
    if (!isWhole) throw model::Cancelled("Interrupted; nothing is printed");
    if (global().json) {
      fmt::print("{}\n", document(model, *lane.decoder, tokens, at, layers)
                             .dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      printTable(model, *lane.decoder, at, layers);
    }
  }

  static nlohmann::ordered_json document(const model::Model& model, const model::Decoder& decoder,
                                         const std::vector<int>& tokens, int position,
                                         const std::vector<Layer>& layers) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const Layer& layer : layers) {
      nlohmann::ordered_json top = nlohmann::ordered_json::array();
      for (const model::Candidate& candidate : layer.next.candidates) {
        top.push_back({{"token", candidate.token},
                       {"piece", pieceDocument(model, candidate.token)},
                       {"probability", candidate.probability}});
      }
      rows.push_back({{"layer", layer.layer}, {"entropy", layer.next.entropy}, {"top", top}});
    }
    return {
        {"model", model.path},
        {"device", decoder.deviceName()},
        {"tokens", tokens},
        {"position", position},
        {"meaning",
         "softmax of the residual stream before each layer, and after the last, through the last norm and "
         "the output matrix, which are computed in float64; entropy in nats"},
        {"layers", rows}};
  }

  static void printTable(const model::Model& model, const model::Decoder& decoder, int position,
                         const std::vector<Layer>& layers) {
    fmt::print(
        "{}: residual stream by {}, read off in float64\nat position {}, before each layer and after "
        "the last: the most likely next tokens\n\n{:>5}{:>9}\n",
        model.path, decoder.deviceName(), position, "layer", "entropy");
    for (const Layer& layer : layers) {
      fmt::print("{:>5}{:>9.3f}",
                 layer.layer == model.config.layerCount ? "end" : std::to_string(layer.layer),
                 layer.next.entropy);
      for (const model::Candidate& candidate : layer.next.candidates) {
        fmt::print("  {} {:.3f}", pieceLabel(model, candidate.token), candidate.probability);
      }
      fmt::print("\n");
    }
  }

  std::string m_model;
  TokenInput m_input;
  OutputArgument m_output;
  int m_position = -1;
  int m_top = 5;
  std::string m_attribute;
  bool m_csv = false;
  DecoderChoice m_choice;
};

}  // namespace

std::unique_ptr<Command> registerLensCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<LensCommand>(app, global);
}

}  // namespace headroom::cli
