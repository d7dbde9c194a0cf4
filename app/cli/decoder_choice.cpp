#include "app/cli/decoder_choice.h"

#include <fmt/format.h>

#include <cstdio>

#include "app/cli/named_values.h"

namespace headroom::cli {

void DecoderChoice::addOptions(CLI::App& app) {
  addContext(app, contextLength);
  app.add_option("--backend", backend, "What computes: compute shaders, or float64 on the processor")
      ->check(CLI::IsMember({"vulkan", "reference"}))
      ->capture_default_str();
  addChoice<model::KvType>(app, "--kv-type", kvType, "Element type of the KV cache");
  addKernels(app, kernels);
}

lanes::LaneOptions DecoderChoice::laneOptions() const {
  return {.kvType = lanes::choiceNamed<model::KvType>(kvType),
          .batch = batch,
          .contextLength = contextLength,
          .attention = lanes::choiceNamed<model::AttentionKernel>(attention)};
}

lanes::DeviceLanes::Choice DecoderChoice::onDevice(const std::string& device) const {
  return {.backend = backend == "reference" ? lanes::Backend::Reference : lanes::Backend::Vulkan,
          .device = device,
          .kernels = kernelsOf(kernels)};
}

lanes::LaneEngine openLane(lanes::DeviceLanes& opener, lanes::ModelUse model, const DecoderChoice& choice) {
  const std::string path = model->path;
  lanes::LaneEngine lane = opener.decode(std::move(model), choice.laneOptions());
  if (const std::string note = lane.decoder->note(); !note.empty()) {
    fmt::print(stderr, "headroom-cli: {}: {}\n", path, note);
  }
  return lane;
}

}  // namespace headroom::cli
