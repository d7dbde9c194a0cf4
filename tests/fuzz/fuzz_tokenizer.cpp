#include <fuzzer/FuzzedDataProvider.h>

#include "core/text/byte_alphabet.h"
#include "core/text/byte_level_bpe.h"
#include "core/text/sentencepiece_bpe.h"
#include "core/text/unigram.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

namespace {
std::vector<std::string> strings(FuzzedDataProvider& input) {
  std::vector<std::string> result;
  for (int count = input.ConsumeIntegralInRange(0, 64); count > 0; --count) {
    result.push_back(input.ConsumeRandomLengthString(24));
  }
  return result;
}

std::vector<text::TokenType> types(FuzzedDataProvider& input, std::size_t count) {
  std::vector<text::TokenType> result;
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back(static_cast<text::TokenType>(input.ConsumeIntegralInRange(0, 7)));
  }
  return result;
}

int special(FuzzedDataProvider& input) {
  return input.ConsumeIntegralInRange(-2, 70);
}

void useByteLevel(FuzzedDataProvider& input) {
  constexpr const char* kFamilies[] = {"gpt-2",  "llama-bpe",    "qwen2", "starcoder",
                                       "falcon", "deepseek-llm", "x"};
  text::ByteLevelBpeData data;
  if (input.ConsumeBool()) {
    for (int byte = 0; byte < 256; ++byte)
      data.tokens.emplace_back(text::spellByte(static_cast<std::uint8_t>(byte)));
  }
  for (std::string& token : strings(input)) data.tokens.push_back(std::move(token));
  data.merges = strings(input);
  if (input.ConsumeBool()) data.tokenTypes = types(input, data.tokens.size());
  data.preTokenizer = kFamilies[input.ConsumeIntegralInRange<std::size_t>(0, std::size(kFamilies) - 1)];
  data.beginToken = special(input);
  data.endToken = special(input);
  data.startsWithSpace = input.ConsumeBool();
  data.composesCharacters = input.ConsumeBool();
  tests::useTokenizer(text::ByteLevelBpe(std::move(data)), input.ConsumeRemainingBytesAsString());
}

void useSentencePiece(FuzzedDataProvider& input) {
  text::SentencePieceBpeData data;
  data.tokens = strings(input);
  for (std::size_t i = 0; i < data.tokens.size(); ++i)
    data.scores.push_back(input.ConsumeFloatingPoint<float>());
  data.tokenTypes = types(input, data.tokens.size());
  data.merges = strings(input);
  data.beginToken = special(input);
  data.endToken = special(input);
  data.unknownToken = special(input);
  data.addSpacePrefix = input.ConsumeBool();
  data.wholeWordsFirst = input.ConsumeBool();
  data.splitsAtSpaces = input.ConsumeBool();
  data.splitsAtLineBreaks = input.ConsumeBool();
  tests::useTokenizer(text::SentencePieceBpe(std::move(data)), input.ConsumeRemainingBytesAsString());
}

void useUnigram(FuzzedDataProvider& input) {
  text::UnigramData data;
  data.tokens = strings(input);
  for (std::size_t i = 0; i < data.tokens.size(); ++i)
    data.scores.push_back(input.ConsumeFloatingPoint<double>());
  data.tokenTypes = types(input, data.tokens.size());
  data.beginToken = special(input);
  data.endToken = special(input);
  data.unknownToken = special(input);
  data.removesExtraSpaces = input.ConsumeBool();
  data.splitsAtSpaces = input.ConsumeBool();
  data.charsmap = input.ConsumeRandomLengthString(256);
  tests::useTokenizer(text::Unigram(std::move(data)), input.ConsumeRemainingBytesAsString());
}
}  // namespace

/// Hostile vocabularies and hostile text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  tests::expectSentence([&] {
    switch (input.ConsumeIntegralInRange(0, 2)) {
      case 0:
        return useByteLevel(input);
      case 1:
        return useSentencePiece(input);
      default:
        return useUnigram(input);
    }
  });
  return 0;
}
