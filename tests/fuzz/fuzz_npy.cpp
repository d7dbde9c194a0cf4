#include "core/formats/npy.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// A NumPy array.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tests::FuzzFolder folder;
  const std::string path = folder.write("array.npy", tests::textOf(data, size));
  tests::expectSentence([&] {
    const formats::NpyArray array = formats::readNpy(path);
    std::uint64_t count = 1;
    for (std::int64_t length : array.shape) count *= static_cast<std::uint64_t>(length);
    tests::expect(array.values.size() == count);
  });
  return 0;
}
