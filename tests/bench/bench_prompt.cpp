// What reading a prompt costs: its time, by stages, and the matrices' floating-point operations in it. Random
// weights of the shape that is asked for; by default one that a processor reads in seconds. Run by hand:
//   bench_prompt [TOKENS LAYERS QUERY_HEADS KV_HEADS HEAD_DIM FFN VOCAB [KERNEL_PLAN]]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/analysis/traffic_summary.h"
#include "core/engine/device_model.h"
#include "core/engine/vulkan_decoder.h"
#include "core/formats/synthetic_model.h"
#include "core/model/clock.h"
#include "core/model/kernel_plan.h"
#include "core/vulkan/instance.h"

using namespace headroom;

namespace {

constexpr int kRounds = 3;

double readPrompt(engine::VulkanDecoder& decoder, const std::vector<int>& tokens, bool timesStages,
                  analysis::StepSummary& sum) {
  decoder.truncate(0);
  const auto start = model::Clock::now();
  const auto records =
      decoder.runTokens(tokens, {.logits = model::LogitsRequest::none(), .timesStages = timesStages});
  const double spent = model::millisecondsSince(start);
  sum = analysis::summarise(records);
  return spent;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int> shape{512, 4, 8, 2, 64, 1536, 4096};
  for (int index = 0; index + 1 < argc && index < std::ssize(shape); ++index)
    shape[static_cast<std::size_t>(index)] = std::max(1, std::atoi(argv[index + 1]));
  const vulkan::Instance instance(vulkan::Validation::Off);
  vulkan::Device device(instance, vulkan::chooseDevice(instance, ""));
  model::ModelConfig config;
  config.layerCount = shape[1];
  config.attention = {shape[2], shape[3], shape[4]};
  config.modelDim = shape[2] * shape[4];
  config.ffnDim = shape[5];
  config.vocabSize = shape[6];
  config.contextLength = shape[0];
  const model::Model model = formats::syntheticModel(config, model::Storage::F16, formats::OutputMatrix::Tied,
                                                     1, formats::LayerWeightsKind::Alike);
  const model::KernelPlan plan = argc > 8 ? model::parsePlan(argv[8]) : model::KernelPlan{};
  const engine::DeviceModel deviceModel(device, model, plan);
  engine::VulkanDecoder decoder(
      deviceModel, {.kvType = device.info().storage16Bit ? model::KvType::F16 : model::KvType::F32});
  const std::vector<int> tokens(static_cast<std::size_t>(shape[0]), 7);
  analysis::StepSummary sum;
  readPrompt(decoder, tokens, true, sum);  // makes the kernels
  const double timed = readPrompt(decoder, tokens, true, sum);
  const analysis::StepSummary stages = sum;
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) times.push_back(readPrompt(decoder, tokens, false, sum));
  std::ranges::sort(times);

  const double d = config.modelDim;
  const double perLayer =
      d * (2.0 * config.attention.queryDim() + 2.0 * config.attention.kvDim()) + 3.0 * d * shape[5];
  const double flops = 2.0 * perLayer * shape[1] * shape[0];
  const double median = times[kRounds / 2];
  fmt::print(
      "{}\n{} tokens: {:.1f} ms ({:.1f} - {:.1f}), {:.0f} tokens/s, {:.2f} TFLOP/s in matrices; with time "
      "stamps {:.1f} ms\n",
      device.info().name, shape[0], median, times.front(), times.back(), shape[0] / median * 1e3,
      flops / median * 1e-9, timed);
  for (int stage = 0; stage < model::kStageCount; ++stage) {
    fmt::print("  {:<18}{:9.2f} ms\n", stageName(static_cast<model::Stage>(stage)),
               stages.stageTimeMs[static_cast<std::size_t>(stage)]);
  }
}
