#include "app/cli/decoder_choice.h"

#include <fmt/format.h>

#include <cstdio>

#include "app/cli/named_values.h"
#include "core/model/error.h"

namespace headroom::cli {

void DecoderChoice::addOptions(CLI::App& app) {
  addContext(app, contextLength);
  app.add_option("--backend", backend, "What computes: compute shaders, or float64 on the processor")
      ->check(CLI::IsMember({"vulkan", "reference"}))
      ->capture_default_str();
  addChoice<model::KvType>(app, "--kv-type", kvType, "Element type of the KV cache");
  addKernels(app, kernels);
}

void DecoderChoice::addAblation(CLI::App& app) {
  app.add_option(
      "--ablate", ablate,
      "Heads to take away before W_O: L4H2,L3KV0 (layers and heads from 0; KV: every head that reads it)");
}

lanes::LaneOptions DecoderChoice::laneOptions(const model::ModelConfig& config) const {
  lanes::LaneOptions options{.kvType = lanes::choiceNamed<model::KvType>(kvType),
                             .batch = batch,
                             .contextLength = contextLength,
                             .attention = lanes::choiceNamed<model::AttentionKernel>(attention)};
  if (ablate.empty()) return options;
  try {
    options.ablated = model::headsNamed(ablate, config);
  } catch (const model::Error& error) {
    throw CLI::ValidationError("--ablate", error.what());
  }
  return options;
}

lanes::DeviceLanes::Choice DecoderChoice::onDevice(const std::string& device) const {
  return {.backend = backend == "reference" ? lanes::Backend::Reference : lanes::Backend::Vulkan,
          .device = device,
          .kernels = kernelsOf(kernels)};
}

lanes::LaneEngine openLane(lanes::DeviceLanes& opener, lanes::ModelUse model, const DecoderChoice& choice) {
  const std::string path = model->path;
  const lanes::LaneOptions options = choice.laneOptions(model->config);
  lanes::LaneEngine lane = opener.decode(std::move(model), options);
  if (const std::string note = lane.decoder->note(); !note.empty()) {
    fmt::print(stderr, "headroom-cli: {}: {}\n", path, note);
  }
  return lane;
}

}  // namespace headroom::cli
