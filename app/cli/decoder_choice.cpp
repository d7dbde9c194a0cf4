#include "app/cli/decoder_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "app/cli/interrupt.h"
#include "app/cli/named_values.h"
#include "app/cli/progress_line.h"
#include "app/cli/token_arguments.h"
#include "core/evaluation/head_means.h"
#include "core/lanes/prompt.h"
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
      "Heads to take away before W_O: L4H2,L3KV0 (layers and heads from 0; KV: every head that reads it); "
      "L4H2=mean, =previous-token, =uniform, =first-token or a factor, =0.5, put that in their place");
  app.add_option(
      "--mean-text", meanText,
      "Text file that =mean is measured on (-: standard input); without it, what the command reads");
}

lanes::LaneOptions DecoderChoice::laneOptions(const model::ModelConfig& config) const {
  lanes::LaneOptions options{.kvType = lanes::choiceNamed<model::KvType>(kvType),
                             .batch = batch,
                             .contextLength = contextLength,
                             .attention = lanes::choiceNamed<model::AttentionKernel>(attention)};
  if (ablate.empty()) return options;
  try {
    options.changes = model::headChangesNamed(ablate, config);
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

namespace {
/// With a decoder that changes no head, which goes again.
void measureMeans(lanes::DeviceLanes& opener, const lanes::ModelUse& model, const DecoderChoice& choice,
                  std::span<const int> read, lanes::LaneOptions& options) {
  if (std::ranges::all_of(options.changes, model::isMeasured)) return;
  std::vector<int> text(read.begin(), read.end());
  if (!choice.meanText.empty()) text = lanes::promptIds({.text = readText(choice.meanText)}, *model);
  lanes::LaneOptions whole = options;
  whole.changes.clear();
  whole.batch = 1;
  const lanes::LaneEngine lane = opener.decode(opener.load(model->path), whole);
  const ProgressLine line;
  const bool isWhole = evaluation::measureMeans(
      *lane.decoder, text, options.changes, interrupted, [&](std::int64_t done, std::int64_t total) {
        line.show(fmt::format("mean: {} of {} tokens", done, total));
      });
  line.show({});
  if (!isWhole) throw model::Error("Interrupted while means of heads were measured; nothing was written");
}
}  // namespace

lanes::LaneEngine openLane(lanes::DeviceLanes& opener, lanes::ModelUse model, const DecoderChoice& choice,
                           std::span<const int> read) {
  const std::string path = model->path;
  lanes::LaneOptions options = choice.laneOptions(model->config);
  measureMeans(opener, model, choice, read, options);
  lanes::LaneEngine lane = opener.decode(std::move(model), options);
  if (const std::string note = lane.decoder->note(); !note.empty()) {
    fmt::print(stderr, "headroom-cli: {}: {}\n", path, note);
  }
  return lane;
}

}  // namespace headroom::cli
