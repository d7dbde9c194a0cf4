#include <algorithm>

#include "core/model/step_record_bytes.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// A step record. What was read is written as it was; of an older version, as one that then stays as it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  tests::expectSentence([&] {
    const std::vector<std::byte> again = model::stepRecordBytes(model::readStepRecord(bytes));
    constexpr std::size_t kVersionAt = 8;
    tests::expect(bytes[kVersionAt] != again[kVersionAt] || std::ranges::equal(bytes, again));
    tests::expect(model::stepRecordBytes(model::readStepRecord(again)) == again);
  });
  return 0;
}
