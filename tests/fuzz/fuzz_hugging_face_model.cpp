#include "core/formats/hugging_face/hugging_face_model.h"
#include "core/model/rope.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// A Hugging Face folder of a config.json and a model.safetensors.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tests::FuzzFolder folder;
  const tests::TwoParts parts(tests::textOf(data, size));
  folder.write("config.json", parts.first);
  folder.write("model.safetensors", parts.second);
  tests::expectSentence([&] {
    const model::Model model = formats::loadHuggingFace(folder.path());
    const model::RopeTable table(model.config, model.config.contextLength);
    for (const model::LayerWeights& layer : model.weights.layers) {
      for (const model::Tensor* tensor : layer.tensors()) static_cast<void>(tensor->toFloat());
    }
  });
  return 0;
}
