#include "core/formats/trace/trace_file.h"
#include "core/model/trace_decoder.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// A trace, played to its end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> copy(data, data + size);
  tests::expectSentence([&] {
    model::TraceDecoder decoder(formats::readTrace(std::as_bytes(std::span(copy))));
    const std::vector<int> tokens = decoder.trace().tokens;
    for (const int token : tokens) {
      const auto records = decoder.run(std::span(&token, 1), model::Capture::pooled(3));
      tests::expect(records.size() == 1);
      // What is not recorded is not there, and what is there is whole.
      const model::AttentionRows& rows = records[0].attention;
      const bool isRecorded = decoder.trace().recorded.holdsRow(decoder.position() - 1);
      tests::expect(rows.layers.empty() != isRecorded && rows.values.empty() != isRecorded);
    }
    tests::expect(decoder.position() == static_cast<int>(tokens.size()));
  });
  return 0;
}
