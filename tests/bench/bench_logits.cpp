// What a text costs by what is asked of its logits: nothing, the last, every value of all rows, or a summary
// of all rows made on the device. Run by hand.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/engine/device_model.h"
#include "core/engine/vulkan_decoder.h"
#include "core/formats/synthetic_model.h"
#include "core/model/clock.h"
#include "core/vulkan/instance.h"

using namespace headroom;
using model::LogitsRequest;

int main() {
  constexpr int kTokens = 256;
  constexpr int kRounds = 5;
  const vulkan::Instance instance(vulkan::Validation::Off);
  vulkan::Device device(instance, vulkan::chooseDevice(instance, ""));
  model::ModelConfig config;
  config.layerCount = 2;
  config.modelDim = 256;
  config.ffnDim = 512;
  config.contextLength = kTokens;
  config.attention = {4, 2, 64};
  config.vocabSize = 128000;
  const model::Model model =
      formats::syntheticModel(config, model::Storage::F16, formats::OutputMatrix::Tied, 1);
  const engine::DeviceModel deviceModel(device, model);
  engine::VulkanDecoder decoder(deviceModel, {});
  const std::vector<int> tokens(kTokens, 7);
  struct Case {
    const char* what;
    LogitsRequest request;
  };
  const Case cases[] = {{"no logits", LogitsRequest::none()},
                        {"the last of each step", LogitsRequest::last()},
                        {"every value of all rows", LogitsRequest::all()},
                        {"log-probabilities of targets", LogitsRequest::logProbabilities(tokens)},
                        {"the 10 most likely", LogitsRequest::top(10)}};
  fmt::print("{} tokens, {} of vocabulary, {}\n", kTokens, config.vocabSize, device.info().name);
  std::vector<std::vector<double>> times(std::size(cases));
  for (int round = 0; round <= kRounds; ++round) {
    for (std::size_t index = 0; index < std::size(cases); ++index) {
      decoder.truncate(0);
      const auto start = model::Clock::now();
      decoder.run(tokens, model::Capture::none(), cases[index].request);
      const double spent = model::millisecondsSince(start);
      if (round > 0) times[index].push_back(spent);  // the first makes the kernels
    }
  }
  for (std::size_t index = 0; index < std::size(cases); ++index) {
    std::ranges::sort(times[index]);
    fmt::print("{:<32}{:9.1f} ms  ({:.1f} - {:.1f})\n", cases[index].what, times[index][kRounds / 2],
               times[index].front(), times[index].back());
  }
}
