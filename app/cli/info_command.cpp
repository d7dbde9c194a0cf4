#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/model_argument.h"
#include "app/cli/named_values.h"
#include "app/cli/report_parts.h"
#include "core/analysis/truth_card.h"
#include "core/lanes/device_lanes.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {
using analysis::TruthCard;
using nlohmann::ordered_json;

ordered_json describe(const analysis::KvFormula& formula) {
  return {{"keys_and_values", 2},
          {"layers", formula.layers},
          {"kv_heads", formula.kvHeads},
          {"head_dim", formula.headDim},
          {"bytes_per_element", formula.bytesPerElement},
          {"bytes_per_token", formula.bytesPerToken}};
}

ordered_json describe(const analysis::MemoryOutlook& memory) {
  ordered_json result = {{"device", memory.device},
                         {"context_length", memory.contextLength},
                         {"kv_type", shortName(memory.kvType)},
                         {"weights", memory.need.weights},
                         {"weights_kept_as", memory.need.storage},
                         {"kv_cache", memory.need.cache},
                         {"working", memory.need.working},
                         {"needed", memory.needed()},
                         {"there", memory.there},
                         {"fits", memory.fits()}};
  if (!memory.refusal.empty()) result["refusal"] = memory.refusal;
  return result;
}

ordered_json describe(const TruthCard& card, const std::string& storageName) {
  const model::ModelConfig& config = card.config;
  ordered_json storages = ordered_json::array();
  for (const analysis::StorageShare& share : card.storages) {
    storages.push_back({{"storage", share.name}, {"tensors", share.tensors}, {"bytes", share.bytes}});
  }
  ordered_json document = {
      {"model", card.path},
      {"name", card.name},
      {"architecture", card.architecture},
      {"family", card.family},
      {"attention", attentionDocument(config.attention)},
      {"layers", config.layerCount},
      {"query_heads", config.attention.queryHeadCount},
      {"kv_heads", config.attention.kvHeadCount},
      {"head_dim", config.attention.headDim},
      {"model_dim", config.modelDim},
      {"ffn_dim", config.ffnDim},
      {"vocab_size", config.vocabSize},
      {"context_length", config.contextLength},
      {"norm_epsilon", config.normEpsilon},
      {"forward_pass", card.forwardPass},
      {"parameters", card.parameterCount},
      {"weight_bytes", card.storedBytes},
      {"storage", storageName},
      {"storages", storages},
      {"tied_output", card.tiedOutput},
      {"tokenizer", !card.tokenizer.empty()},
      {"tokenizer_kind", card.tokenizer.empty() ? ordered_json() : ordered_json(card.tokenizer)},
      {"chat_template", card.chat.empty() ? ordered_json() : ordered_json(card.chat)},
      {"kv_bytes_per_token",
       {{"f32", card.kvF32.bytesPerToken},
        {"f16", card.kvF16.bytesPerToken},
        {"f16_if_mha", card.kvBytesIfMha}}},
      {"kv_formula", {{"f32", describe(card.kvF32)}, {"f16", describe(card.kvF16)}}},
  };
  document["attention"]["proof"] = card.proof;
  if (config.ropeDim > 0) {
    document["rope"] = {{"base", config.ropeBase},
                        {"dimensions", config.ropeDim},
                        {"scaling", shortName(config.ropeScaling.kind)}};
  }
  if (config.slidingWindow > 0) document["sliding_window"] = config.slidingWindow;
  if (card.memory) document["memory"] = describe(*card.memory);
  document["contradictions"] = card.contradictions;
  document["notes"] = card.notes;
  return document;
}

class InfoCommand final : public Command {
 public:
  InfoCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(
            parent, global, "info",
            "What a model is: proven from its tensors, with its memory, and what contradicts its metadata") {
    addModel(app(), m_model);
    app()
        .add_option("--context", m_context,
                    "Cache positions to plan memory for; the model's own if not given")
        ->check(CLI::PositiveNumber);
    addChoice<model::KvType>(app(), "--kv-type", m_kvType, "Element type of the KV cache to plan for");
  }
  void run() override {
    lanes::DeviceLanes opener({.device = global().device});
    const lanes::ModelUse model = opener.load(m_model);
    const lanes::LaneOutlook where = outlook(opener, model);
    const TruthCard card = analysis::truthCard(*model, where.memory, where.note);
    if (global().json) {
      fmt::print("{}\n", describe(card, model->storageName).dump(2));
      return;
    }
    for (const analysis::CardRow& row : card.rows()) {
      fmt::print("{:<16}{} ({})\n", row.label, row.value, row.origin);
    }
  }

 private:
  /// Without a device, unless one was asked for, nothing is known of its memory.
  lanes::LaneOutlook outlook(lanes::DeviceLanes& opener, const lanes::ModelUse& model) const {
    try {
      return opener.outlook(
          model, {.kvType = lanes::choiceNamed<model::KvType>(m_kvType), .contextLength = m_context});
    } catch (const model::Error&) {
      if (!global().device.empty()) throw;
      return {};
    }
  }

  std::string m_model;
  std::string m_kvType = "f32";
  int m_context = 0;
};
}  // namespace

std::unique_ptr<Command> registerInfoCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<InfoCommand>(app, global);
}

}  // namespace headroom::cli
