#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "app/cli/commands.h"
#include "app/cli/decoder_factory.h"
#include "app/cli/model_argument.h"
#include "app/cli/token_arguments.h"
#include "core/formats/npy.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {
class AttentionCommand final : public Command {
 public:
  AttentionCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "attention",
                "Attention maps as an NPY file, [layers][query_heads][T][T] or the slice asked for") {
    app().add_option("MODEL", m_model, "GGUF file, or mha, gqa, mqa")->required();
    CLI::Option* tokens = app().add_option("--tokens", m_input.tokens, "Token ids to feed: 1,2,3");
    m_prompt = app().add_option("--prompt", m_input.prompt, "Text to feed")->excludes(tokens);
    app().add_option("--layer", m_layer, "Only this layer")->check(CLI::NonNegativeNumber);
    app().add_option("--head", m_head, "Only this query head")->check(CLI::NonNegativeNumber);
    app().add_option("--output", m_output, "NPY file to write, float32")->required();
    m_choice.addOptions(app());
  }

  void run() override {
    m_input.hasPrompt = m_prompt->count() > 0;
    const model::Model model = openModel(m_model);
    const std::vector<int> layers = chosen(m_layer, model.config.layerCount, "layer");
    const std::vector<int> heads = chosen(m_head, model.config.attention.queryHeadCount, "query head");
    const std::vector<int> tokens = m_input.idsFor(model);
    DecoderFactory factory(m_choice, global().device);
    const auto decoder = factory.make(model);
    const auto records = decoder->run(tokens, {.all = false, .layers = layers, .queryHeads = heads});

    std::vector<std::int64_t> shape;
    if (m_layer < 0) shape.push_back(std::ssize(layers));
    if (m_head < 0) shape.push_back(std::ssize(heads));
    shape.insert(shape.end(), 2, std::ssize(tokens));
    formats::writeNpy(m_output, shape, assemble(records, layers.size(), heads.size(), tokens.size()));
    if (global().json) {
      const nlohmann::ordered_json document = {{"model", model.path},
                                               {"device", decoder->deviceName()},
                                               {"tokens", tokens},
                                               {"output", m_output},
                                               {"shape", shape}};
      fmt::print("{}\n", document.dump(2));
    } else {
      fmt::print("{}: [{}] float32, computed by {}\n", m_output, fmt::join(shape, "]["),
                 decoder->deviceName());
    }
  }

 private:
  /// All of `count`, or the one index that was asked for.
  static std::vector<int> chosen(int index, int count, std::string_view what) {
    if (index >= count)
      throw model::Error(fmt::format("There is no {} {}, expected 0 to {}", what, index, count - 1));
    if (index >= 0) return {index};
    std::vector<int> all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }

  /// [layer][head][row][column], zero above the diagonal.
  static std::vector<float> assemble(const std::vector<model::StepRecord>& records, std::size_t layerCount,
                                     std::size_t headCount, std::size_t tokenCount) {
    std::vector<float> maps(layerCount * headCount * tokenCount * tokenCount, 0.0f);
    for (const model::StepRecord& record : records) {
      const model::AttentionRows& rows = record.attention;
      for (std::size_t layer = 0; layer < layerCount; ++layer) {
        for (std::size_t head = 0; head < headCount; ++head) {
          for (int row = 0; row < rows.rowCount; ++row) {
            const auto values = rows.row(static_cast<int>(layer), static_cast<int>(head), row);
            const std::size_t position = static_cast<std::size_t>(rows.firstPosition + row);
            const std::size_t start = ((layer * headCount + head) * tokenCount + position) * tokenCount;
            std::copy(values.begin(), values.end(), maps.begin() + static_cast<std::ptrdiff_t>(start));
          }
        }
      }
    }
    return maps;
  }

  std::string m_model;
  TokenInput m_input;
  CLI::Option* m_prompt = nullptr;
  int m_layer = -1;
  int m_head = -1;
  std::string m_output;
  DecoderChoice m_choice;
};
}  // namespace

std::unique_ptr<Command> registerAttentionCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<AttentionCommand>(app, global);
}

}  // namespace headroom::cli
