#include <cmath>

#include "core/formats/hugging_face/hugging_face_config.h"
#include "core/model/rope.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// A config.json, and the rotations that it describes; the same text as a generation_config.json.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = tests::textOf(data, size);
  tests::expectSentence([&] { static_cast<void>(formats::describeGenerationConfig(text)); });
  tests::expectSentence([&] {
    const formats::HuggingFaceConfig config = formats::readHuggingFaceConfig(text);
    model::ModelConfig known = config.claims.config;
    for (int layer = 0; layer < known.layerCount; layer += 1 + known.layerCount / 8) {
      tests::expect(known.windowOf(layer) >= 0);
    }
    // Factors are checked against the tensors' shapes, which are not here.
    if (known.ropeScaling.kind == model::RopeScalingKind::Factors) return;
    known.ropeDim = std::min(known.ropeDim == 0 ? 64 : known.ropeDim, 256);
    const model::RopeTable table(known, known.contextLength);
    for (double frequency : table.frequencies) tests::expect(!std::isnan(frequency));
    tests::expect(!std::isnan(table.magnitude));
  });
  return 0;
}
