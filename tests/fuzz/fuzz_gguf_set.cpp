#include "core/formats/gguf/gguf_set.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// Two parts of a split GGUF file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tests::FuzzFolder folder;
  const tests::TwoParts parts(tests::textOf(data, size));
  const std::string first = folder.write("model-00001-of-00002.gguf", parts.first);
  const std::string second = folder.write("model-00002-of-00002.gguf", parts.second);
  for (const std::string& opened : {first, second}) {
    tests::expectSentence([&] {
      const formats::GgufSet set(opened);
      for (const formats::GgufTensor* tensor : set.tensors()) {
        tests::expect(set.findTensor(tensor->name) == tensor);
        unsigned sum = 0;
        for (std::byte byte : tensor->bytes) sum += std::to_integer<unsigned>(byte);
        static_cast<void>(sum);
      }
    });
  }
  return 0;
}
