#pragma once

#include <string>
#include <vector>

#include "tests/support/random_model.h"

namespace headroom::tests {

struct ArchitectureRow {
  std::string name;
  model::ModelConfig config;
};

/// A small model of every architecture, with what its family adds turned on: windows shorter than the tests'
/// texts, soft caps, scaled RoPE, partly rotated heads. MHA, GQA and MQA by turns. GELU is that of the
/// formula: through ggml's table, results jump where a value falls beside a rounding step.
inline std::vector<ArchitectureRow> architectureRows() {
  std::vector<ArchitectureRow> rows;
  const std::vector<model::AttentionShape> shapes = {{4, 4, 16}, {6, 2, 20}, {5, 1, 32}};
  for (const model::Architecture& architecture : model::architectures()) {
    model::ModelConfig config = smallConfig(shapes[rows.size() % shapes.size()]);
    config.name = architecture.name;
    config.architecture = architecture.name;
    config.traits = architecture.traits;
    if (config.traits.activation == model::Activation::GeluTable) {
      config.traits.activation =
          rows.size() % 2 == 0 ? model::Activation::GeluTanh : model::Activation::GeluErf;
    }
    if (config.traits.windows != model::Windows::None) config.slidingWindow = 21;
    if (config.traits.branchNorms) {
      config.attentionSoftCap = 5.0f;
      config.logitSoftCap = 7.0f;
      config.attentionScale = 0.3f;
    }
    if (config.architecture == "phi2") config.ropeDim = config.attention.headDim / 2;
    rows.push_back({config.name, config});
  }
  const auto scaled = [&](const std::string& name, const model::RopeScaling& scaling) {
    model::ModelConfig config = smallConfig({4, 2, 16});
    config.ropeScaling = scaling;
    rows.push_back({name, config});
  };
  scaled("llama, linear RoPE", {.kind = model::RopeScalingKind::Linear, .factor = 4.0});
  scaled("llama, YaRN", {.kind = model::RopeScalingKind::Yarn, .factor = 4.0, .originalContext = 32});
  scaled("llama, Llama 3 RoPE",
         {.kind = model::RopeScalingKind::Llama3, .factor = 8.0, .originalContext = 64});
  scaled("llama, RoPE factors", {.kind = model::RopeScalingKind::Factors,
                                 .magnitude = 1.19,
                                 .factors = {1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, 8.0f, 9.0f}});
  model::ModelConfig sequential = smallConfig({4, 2, 16});
  sequential.architecture = "gptneox";
  sequential.traits = model::findArchitecture("gptneox")->traits;
  sequential.traits.activation = model::Activation::GeluErf;
  sequential.traits.block = model::Block::Sequential;
  rows.push_back({"gptneox, sequential", sequential});
  model::ModelConfig falcon = smallConfig({8, 2, 8});
  falcon.architecture = "falcon";
  falcon.traits = model::findArchitecture("falcon")->traits;
  falcon.traits.activation = model::Activation::GeluTanh;
  falcon.traits.ownFfnNorm = true;
  rows.push_back({"falcon 40B style, two norms", falcon});
  return rows;
}

}  // namespace headroom::tests
