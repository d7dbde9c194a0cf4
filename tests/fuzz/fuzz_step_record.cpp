#include <algorithm>

#include "core/model/step_record_bytes.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// A step record. What was read is written as it was, unless it is of an older version.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  tests::expectSentence([&] {
    const std::vector<std::byte> again = model::stepRecordBytes(model::readStepRecord(bytes));
    tests::expect(model::kStepRecordVersion > 1 || std::ranges::equal(bytes, again));
  });
  return 0;
}
