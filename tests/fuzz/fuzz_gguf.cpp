#include "core/formats/gguf/gguf_file.h"
#include "core/formats/gguf/gguf_model.h"
#include "core/formats/gguf/gguf_tokenizer.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// A GGUF file: its structure, its tokenizer, and the whole model.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tests::FuzzFolder folder;
  const std::string_view bytes = tests::textOf(data, size);
  tests::expectSentence([&] {
    const formats::GgufFile file(std::as_bytes(std::span(bytes)));
    tests::expectSentence([&] { static_cast<void>(formats::readChatTemplate(file)); });
    tests::expectSentence([&] {
      if (const auto tokenizer = formats::readTokenizer(file)) {
        tests::useTokenizer(*tokenizer, tests::kSampleText);
      }
    });
    const model::Model model = formats::loadGguf(folder.write("model.gguf", bytes));
    for (const model::LayerWeights& layer : model.weights.layers) {
      for (const model::Tensor* tensor : layer.tensors()) static_cast<void>(tensor->toFloat());
    }
  });
  return 0;
}
