#include "app/cli/decoder_choice.h"

#include <fmt/format.h>

#include <cstdio>

#include "app/cli/command.h"

namespace headroom::cli {

void DecoderChoice::addOptions(CLI::App& app) {
  app.add_option("--backend", backend, "What computes: compute shaders, or float64 on the processor")
      ->check(CLI::IsMember({"vulkan", "reference"}))
      ->capture_default_str();
  app.add_option("--kv-type", kvType, "Element type of the KV cache")
      ->check(CLI::IsMember({"f32", "f16"}))
      ->capture_default_str();
  app.add_option(
      "--kernels", kernels,
      "Kernel plan: packed or rows, then rowBlocks=, invocations=, attentionWorkgroups=; what this device's "
      "calibration chose when not given");
}

lanes::LaneOptions DecoderChoice::laneOptions() const {
  return {.kvType = model::kvTypeOf(kvType),
          .batch = batch,
          .contextLength = contextLength,
          .attention = model::attentionKernelOf(attention)};
}

lanes::DeviceLanes::Choice DecoderChoice::onDevice(const std::string& device) const {
  lanes::DeviceLanes::Choice choice{
      .backend = backend == "reference" ? lanes::Backend::Reference : lanes::Backend::Vulkan,
      .device = device};
  if (!kernels.empty()) choice.kernels = parseOption("--kernels", [&] { return model::parsePlan(kernels); });
  return choice;
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
