#include "core/formats/hugging_face/hugging_face_tokenizer.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// A tokenizer.json beside a tokenizer_config.json, and text through it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tests::FuzzFolder folder;
  const tests::TwoParts parts(tests::textOf(data, size));
  folder.write("tokenizer.json", parts.first);
  folder.write("tokenizer_config.json", parts.second);
  tests::expectSentence([&] { static_cast<void>(formats::readHuggingFaceChatTemplate(folder.path())); });
  tests::expectSentence([&] {
    if (const auto tokenizer = formats::loadHuggingFaceTokenizer(folder.path(), 0)) {
      tests::useTokenizer(*tokenizer, tests::kSampleText);
    }
  });
  return 0;
}
