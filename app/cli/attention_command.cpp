#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "app/cli/commands.h"
#include "app/cli/decoder_choice.h"
#include "app/cli/index_range.h"
#include "app/cli/interrupt.h"
#include "app/cli/lane_run.h"
#include "app/cli/model_argument.h"
#include "app/cli/output_argument.h"
#include "app/cli/token_arguments.h"
#include "core/formats/npy.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::cli {

namespace {
class AttentionCommand final : public Command {
 public:
  AttentionCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(
            parent, global, "attention",
            "Attention maps as an NPY file, [layers][query_heads][T][T] or the part asked for; the tokens "
            "beside it as JSON") {
    addModel(app(), m_model);
    m_input.addOptions(app());
    CLI::Option* layer =
        app().add_option("--layer", m_layer, "Only this layer")->check(CLI::NonNegativeNumber);
    app().add_option("--layers", m_layers, "Only these layers: 0,3,8:12 (12 not included)")->excludes(layer);
    app().add_option("--head", m_head, "Only this query head")->check(CLI::NonNegativeNumber);
    app().add_option("--rows", m_rows,
                     "Only the tokens at these positions as those that look: 100:200 (200 not included)");
    m_output.addNpyFile(app());
    m_choice.addOptions(app());
    m_choice.addAblation(app());
  }

  void run() override {
    const formats::OutputTarget target = m_output.check(global());
    lanes::DeviceLanes opener(m_choice.onDevice(global().device));
    lanes::ModelUse use = opener.load(m_model);
    const model::Model& model = *use;
    const std::vector<int> tokens = m_input.idsFor(model);
    const auto count = static_cast<int>(tokens.size());
    const formats::AttentionSelection selection = select(model.config, count);
    m_output.announce(target, selection.mapBytes(count), selection.spoolBytes(count),
                      "write less with --layers, --head or --rows");
    watchInterrupts();
    AttentionRecorder recorder(selection, target);
    lanes::LaneSet set(
        {}, [&](int, int position, int left) { return recorder.blockAt(position, left); },
        {.stepDone = [&](lanes::LaneStep step) { recorder.keep(step.record); }, .laneStopped = {}});
    std::vector<lanes::LaneSet::Place> places(1);
    places.front().engine = openLane(opener, std::move(use), m_choice, tokens);
    set.arrange(std::move(places),
                [&](int) { return std::vector(tokens.begin(), tokens.begin() + selection.endRow); });
    fillTexts(set);

    std::vector<std::int64_t> shape;
    if (m_layer < 0) shape.push_back(std::ssize(selection.layers));
    if (m_head < 0) shape.push_back(std::ssize(selection.queryHeads));
    shape.insert(shape.end(), {selection.endRow - selection.firstRow, count});
    write(recorder.rows(), shape, count);
    const std::string tokensPath = target.isStream() ? "" : writeTokens(model, tokens, selection);
    report(model, tokens, set.decoder(0), target, shape, tokensPath);
  }

 private:
  formats::AttentionSelection select(const model::ModelConfig& config, int tokenCount) const {
    formats::AttentionSelection selection;
    const IndexRange rows = m_rows.empty() ? IndexRange{.first = 0, .end = tokenCount}
                                           : parseRange("--rows", m_rows, tokenCount, "row");
    selection.firstRow = rows.first;
    selection.endRow = rows.end;
    selection.layers = m_layer < 0
                           ? parseIndices("--layers", m_layers, config.layerCount, "layer")
                           : parseIndices("--layer", std::to_string(m_layer), config.layerCount, "layer");
    // Without a number all of them.
    selection.queryHeads = parseIndices("--head", m_head < 0 ? "" : std::to_string(m_head),
                                        config.attention.queryHeadCount, "query head");
    return selection;
  }

  void write(const formats::AttentionSpool& rows, const std::vector<std::int64_t>& shape, int count) const {
    formats::NpyWriter file(m_output.path(), shape);
    rows.eachRow(count, [&](std::span<const std::byte> row) { file.write(row); });
    file.commit();
  }

  /// What the axes of the map mean, in a file beside it; its path.
  std::string writeTokens(const model::Model& model, const std::vector<int>& tokens,
                          const formats::AttentionSelection& selection) const {
    nlohmann::ordered_json document = {{"model", model.path},
                                       {"layers", selection.layers},
                                       {"query_heads", selection.queryHeads},
                                       {"first_row", selection.firstRow},
                                       {"tokens", tokens},
                                       {"pieces", nullptr}};
    if (model.tokenizer) {
      document["pieces"] = nlohmann::ordered_json::array();
      for (int token : tokens) {
        document["pieces"].push_back(text::replaceInvalidUtf8(model.tokenizer->pieceBytes(token)));
      }
    }
    const std::string path =
        std::filesystem::path(m_output.path()).replace_extension(".tokens.json").string();
    formats::AtomicFile file(path);
    file.write(document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    file.commit();
    return path;
  }

  void report(const model::Model& model, const std::vector<int>& tokens, const model::Decoder& decoder,
              const formats::OutputTarget& target, const std::vector<std::int64_t>& shape,
              const std::string& tokensPath) const {
    if (global().json) {
      nlohmann::ordered_json document = {{"model", model.path}, {"device", decoder.deviceName()},
                                         {"tokens", tokens},    {"output", m_output.path()},
                                         {"shape", shape},      {"tokens_file", nullptr}};
      if (!tokensPath.empty()) document["tokens_file"] = tokensPath;
      fmt::print("{}\n", document.dump(2));
      return;
    }
    fmt::print(messagesBeside(target), "{}: [{}] float32, computed by {}; {}\n", m_output.path(),
               fmt::join(shape, "]["), decoder.deviceName(),
               tokensPath.empty() ? "a stream has no file beside it for the tokens"
                                  : fmt::format("tokens in {}", tokensPath));
  }

  std::string m_model;
  TokenInput m_input;
  int m_layer = -1;
  int m_head = -1;
  std::string m_layers;
  std::string m_rows;
  OutputArgument m_output;
  DecoderChoice m_choice;
};
}  // namespace

std::unique_ptr<Command> registerAttentionCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<AttentionCommand>(app, global);
}

}  // namespace headroom::cli
