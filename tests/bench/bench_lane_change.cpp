// What it takes to change a lane's options: a second decoder on weights that are on the device, against
// allocating its cache alone, and against uploading the weights once more. Run by hand.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "core/engine/device_model.h"
#include "core/engine/vulkan_decoder.h"
#include "core/formats/synthetic_model.h"
#include "core/model/clock.h"
#include "core/vulkan/instance.h"

using namespace headroom;

namespace {

constexpr int kRounds = 9;

/// Median, least and most milliseconds of `work`.
std::string times(const std::function<void()>& work) {
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = model::Clock::now();
    work();
    rounds.push_back(model::millisecondsSince(start));
  }
  std::ranges::sort(rounds);
  return fmt::format("{:9.2f} ms  ({:.2f} - {:.2f})", rounds[kRounds / 2], rounds.front(), rounds.back());
}

void print(const std::string& what, const std::string& text) {
  fmt::print("{:<58}{}\n", what, text);
}

}  // namespace

int main() {
  const vulkan::Instance instance(vulkan::Validation::Off);
  vulkan::Device device(instance, vulkan::chooseDevice(instance, ""));
  model::ModelConfig config;
  config.layerCount = 12;
  config.modelDim = 768;
  config.ffnDim = 2048;
  config.contextLength = 4096;
  config.attention = {12, 4, 64};
  config.vocabSize = 16000;
  const model::Model model =
      formats::syntheticModel(config, model::Storage::F16, formats::OutputMatrix::Tied, 1);
  fmt::print("{} parameters on {}\n", model.weights.parameterCount(), device.info().name);

  const engine::DeviceModel deviceModel(device, model);
  print("weights once more", times([&] { engine::DeviceModel(device, model, deviceModel.plan()); }));
  struct Change {
    const char* what;
    model::DecoderOptions options;
  };
  const Change changes[] = {
      {"context 2,048", {.contextLength = 2048}},
      {"context 4,096, f16", {.kvType = model::KvType::F16, .contextLength = 4096}},
      {"context 4,096, naive kernel", {.contextLength = 4096, .attention = model::AttentionKernel::Naive}},
      {"context 1,024, batch 8", {.contextLength = 1024, .batch = 8}},
  };
  for (const Change& change : changes) {
    const auto start = model::Clock::now();
    { const engine::VulkanDecoder first(deviceModel, change.options); }
    const double firstMs = model::millisecondsSince(start);
    print(fmt::format("{}: first of its kind", change.what), fmt::format("{:9.2f} ms", firstMs));
    print(fmt::format("{}: decoder", change.what),
          times([&] { engine::VulkanDecoder(deviceModel, change.options); }));
    print(fmt::format("{}: its cache alone", change.what), times([&] {
            const engine::KvCache cache(device, config, change.options.kvType, change.options.contextLength,
                                        change.options.batch);
            device.finishUploads();
          }));
    const engine::StepShape shape = engine::VulkanDecoder(deviceModel, change.options).shape();
    print(fmt::format("{}: its working memory alone", change.what), times([&] {
            const engine::StepBuffers buffers(device, shape);
            device.finishUploads();
          }));
  }
}
