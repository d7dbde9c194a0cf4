#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <vector>

#include "core/engine/stage_traffic.h"
#include "core/model/clock.h"
#include "core/model/statistics.h"
#include "tests/engine/kernel_harness.h"

using namespace headroom;
using namespace headroom::tests;
using model::KernelFamily;
using model::Stage;
using model::Storage;

/// Every kernel alone, in both families and all weight storages: time of a dispatch among many in one
/// submission, its logical bytes over that time. Ratios within one run count, not times.
namespace {

constexpr int kMostDispatches = 40;
constexpr double kRoundSeconds = 0.02;
constexpr int kRounds = 7;

struct Row {
  Stage stage;
  KernelFamily family;
  Storage storage;
  int tokens;
  int length;  ///< keys that attention sees
  double milliseconds = 0.0;
  std::uint64_t logicalBytes = 0;
};

/// Median time of one of many dispatches of the same stage in a row.
void measure(vulkan::Device& device, const model::Model& model, Row& row) {
  const engine::StepShape shape =
      engine::StepShape::make(device.info(), model.config, {.kernels = {.family = row.family}});
  const engine::DeviceWeights weights(
      device, engine::WeightLayout(model, shape.plan, engine::DeviceStorage::AsStored));
  engine::KvCache cache(device, shape.config, shape.options.kvType, shape.options.contextLength, 1);
  cache.fill(device, 1);
  const engine::StepBuffers buffers(device, shape);
  const engine::StepKernels kernels(device, shape, weights, shape.tileOf(row.tokens),
                                    engine::KernelBuild::Plain);
  engine::StepParams& params = buffers.params.mapped<engine::StepParams>()[0];
  params = engine::StepParams();
  params.tokenCount = params.logitsCount = static_cast<std::uint32_t>(row.tokens);
  std::iota(params.logitsRows, params.logitsRows + row.tokens, 0u);
  const engine::StepForm form{.rows = row.tokens, .logitsRows = row.tokens};
  std::ranges::fill(params.layerSlots, engine::kNoSlot);
  std::vector<engine::TokenParams> tokens;
  for (int i = 0; i < row.tokens; ++i) {
    tokens.push_back({.position = static_cast<std::uint32_t>(row.length - row.tokens + i)});
  }
  std::ranges::copy(tokens, params.tokens);
  const engine::StepResources resources{
      .shape = shape, .kernels = kernels, .weights = weights, .cache = cache, .buffers = buffers};
  const auto secondsOf = [&](int dispatches, int rounds) {
    vulkan::Recorder recorder(device, dispatches * engine::dispatchCount(shape, weights, form, row.stage, 0));
    buffers.recordParams(recorder);
    for (int i = 0; i < dispatches; ++i) {
      engine::recordStage(recorder, resources, form, row.stage, 0);
    }
    recorder.finish();
    recorder.run();
    std::vector<double> times;
    for (int round = 0; round < rounds; ++round) {
      const auto start = model::Clock::now();
      recorder.run();
      times.push_back(model::secondsSince(start) / dispatches);
    }
    return times;
  };
  const int dispatches =
      std::clamp(static_cast<int>(kRoundSeconds / secondsOf(1, 1).front()), 1, kMostDispatches);
  row.milliseconds = 1000.0 * model::median(secondsOf(dispatches, kRounds));
  row.logicalBytes =
      engine::stageTraffic(row.stage, 0, shape, weights, {.tokens = tokens, .form = form}).logical.total();
}

}  // namespace

int main() {
  const vulkan::Instance instance;
  vulkan::Device device(instance, vulkan::chooseDevice(instance, ""));
  fmt::print("{}, {}; one layer, d 512, 8 query heads x 64, ffn 1536\n\n", device.info().name,
             device.info().driver);
  fmt::print("{:<20}{:>9}{:>8}{:>8}{:>10}{:>9}{:>11}{:>13}{:>9}\n", "stage", "family", "weights", "tokens",
             "KV heads", "length", "ms", "logical MB", "GB/s");
  for (int kvHeads : {8, 2, 1}) {
    for (Storage storage : {Storage::F32, Storage::F16, Storage::Q8_0}) {
      model::ModelConfig config;
      config.layerCount = 1;
      config.modelDim = 512;
      config.ffnDim = 1536;
      config.vocabSize = 512;
      config.contextLength = 4096;
      config.attention = {8, kvHeads, 64};
      const model::Model model = formats::syntheticModel(config, storage, formats::OutputMatrix::Tied);
      for (Stage stage : {Stage::QkvProjection, Stage::AttentionDecode, Stage::AttentionOutput,
                          Stage::FfnGateUp, Stage::FfnDown, Stage::Logits}) {
        const bool attention = stage == Stage::AttentionDecode;
        // Only Q, K, V and attention depend on the KV heads, and attention on nothing of the weights.
        if (attention ? storage != Storage::F32 : kvHeads != 8 && stage != Stage::QkvProjection) continue;
        for (KernelFamily family : kFamilies) {
          for (int tokens : {1, 32}) {
            Row row{.stage = stage,
                    .family = family,
                    .storage = storage,
                    .tokens = tokens,
                    .length = tokens == 1 ? 2048 : 256};
            measure(device, model, row);
            const auto bytes = static_cast<double>(row.logicalBytes);
            fmt::print("{:<20}{:>9}{:>8}{:>8}{:>10}{:>9}{:>11.3f}{:>13.2f}{:>9.2f}\n", stageName(stage),
                       shortName(family), attention ? "-" : shortName(storage), tokens, kvHeads,
                       attention ? fmt::format("{}", row.length) : "-", row.milliseconds, bytes * 1e-6,
                       bytes / row.milliseconds * 1e-6);
            std::fflush(stdout);
          }
        }
      }
    }
  }
  return 0;
}
