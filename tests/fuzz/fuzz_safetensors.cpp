#include "core/formats/hugging_face/safetensors_file.h"
#include "core/formats/weight_scan.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// A safetensors file, with every tensor read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of its own, so that reading past its end is noticed.
  const std::vector<std::uint8_t> copy(data, data + size);
  tests::expectSentence([&] {
    const formats::SafetensorsFile file(std::as_bytes(std::span(copy)));
    for (const formats::SafeTensor& tensor : file.tensors()) {
      tests::expect(file.findTensor(tensor.name) == &tensor);
      if (!tensor.storage) continue;
      const model::Tensor matrix = tensor.matrix();
      tests::expect(static_cast<std::uint64_t>(matrix.elementCount()) == tensor.elementCount());
      static_cast<void>(matrix.toFloat());
      static_cast<void>(formats::firstNonFinite(matrix));
    }
  });
  return 0;
}
