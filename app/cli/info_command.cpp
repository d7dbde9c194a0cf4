#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/model_argument.h"

namespace headroom::cli {

namespace {
nlohmann::ordered_json describe(const model::Model& model) {
  const model::ModelConfig& config = model.config;
  nlohmann::ordered_json contradictions = nlohmann::ordered_json::array();
  for (const std::string& sentence : model.contradictions) contradictions.push_back(sentence);
  return {
      {"model", model.path},
      {"name", config.name},
      {"architecture", config.architecture},
      {"attention",
       {{"kind", shortName(config.attention.kind())},
        {"query_heads", config.attention.queryHeadCount},
        {"kv_heads", config.attention.kvHeadCount},
        {"head_dim", config.attention.headDim}}},
      {"layers", config.layerCount},
      {"query_heads", config.attention.queryHeadCount},
      {"kv_heads", config.attention.kvHeadCount},
      {"head_dim", config.attention.headDim},
      {"model_dim", config.modelDim},
      {"ffn_dim", config.ffnDim},
      {"vocab_size", config.vocabSize},
      {"context_length", config.contextLength},
      {"norm_epsilon", config.normEpsilon},
      {"rope", {{"base", config.ropeBase}, {"dimensions", config.ropeDim}}},
      {"parameters", model.weights.parameterCount()},
      {"weight_bytes", model.weights.storedBytes()},
      {"storage", model.storageName},
      {"tied_output", model.weights.tied()},
      {"tokenizer", model.tokenizer != nullptr},
      {"kv_bytes_per_token",
       {{"f32", kvCacheBytes(config, model::KvType::F32, 1)},
        {"f16", kvCacheBytes(config, model::KvType::F16, 1)}}},
      {"contradictions", contradictions},
  };
}

void print(const model::Model& model) {
  const model::ModelConfig& config = model.config;
  const auto row = [](std::string_view label, const std::string& value) {
    fmt::print("{:<20}{}\n", label, value);
  };
  row("model", fmt::format("{} ({})", config.name, model.path));
  row("architecture", config.architecture);
  row("layers", std::to_string(config.layerCount));
  row("attention", fmt::format("{}: {} query heads, {} KV heads, head size {} (from the tensors' shapes)",
                               shortName(config.attention.kind()), config.attention.queryHeadCount,
                               config.attention.kvHeadCount, config.attention.headDim));
  row("dimensions", fmt::format("model {}, feed-forward {}, vocabulary {}", config.modelDim, config.ffnDim,
                                config.vocabSize));
  row("context", std::to_string(config.contextLength));
  row("parameters",
      fmt::format("{} ({} bytes as {}{})", model.weights.parameterCount(), model.weights.storedBytes(),
                  model.storageName, model.weights.tied() ? ", output tied to the embedding" : ""));
  row("KV bytes per token", fmt::format("{} as f32, {} as f16", kvCacheBytes(config, model::KvType::F32, 1),
                                        kvCacheBytes(config, model::KvType::F16, 1)));
  for (const std::string& sentence : model.contradictions) row("contradiction", sentence);
  if (model.contradictions.empty()) row("contradictions", "none");
}

class InfoCommand final : public Command {
 public:
  InfoCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "info", "What a model is: its shape, attention kind and KV bytes per token") {
    app().add_option("MODEL", m_model, "GGUF file, or mha, gqa, mqa")->required();
  }
  void run() override {
    const model::Model model = openModel(m_model);
    if (global().json) {
      fmt::print("{}\n", describe(model).dump(2));
    } else {
      print(model);
    }
  }

 private:
  std::string m_model;
};
}  // namespace

std::unique_ptr<Command> registerInfoCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<InfoCommand>(app, global);
}

}  // namespace headroom::cli
