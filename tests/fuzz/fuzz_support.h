#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/model/error.h"
#include "core/model/tokenizer.h"
#include "core/text/text_stream.h"
#include "core/text/utf8.h"

namespace headroom::tests {

/// Calls `parse`. A parser refuses with model::Error, whose message is one line; anything else is a finding.
template <typename Parse>
void expectSentence(Parse parse) {
  try {
    parse();
  } catch (const model::Error& error) {
    const std::string_view sentence = error.what();
    if (sentence.empty() || sentence.find('\n') != std::string_view::npos) std::abort();
  }
}

inline void expect(bool condition) {
  if (!condition) std::abort();
}

/// A folder for files whose readers take paths; gone with the process.
class FuzzFolder {
 public:
  FuzzFolder() : m_path((std::filesystem::temp_directory_path() / "headroom-fuzz-XXXXXX").string()) {
    expect(::mkdtemp(m_path.data()) != nullptr);
  }
  ~FuzzFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
  }
  FuzzFolder(const FuzzFolder&) = delete;
  FuzzFolder& operator=(const FuzzFolder&) = delete;

  const std::string& path() const { return m_path; }
  std::string write(const std::string& name, std::string_view bytes) const {
    const std::string file = m_path + "/" + name;
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file;
  }

 private:
  std::string m_path;
};

inline std::string_view textOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Two parts of an input: a length of four bytes says where the second begins. make_seeds writes them so.
struct TwoParts {
  std::string_view first;
  std::string_view second;

  explicit TwoParts(std::string_view input) {
    std::uint32_t length = 0;
    if (input.size() < sizeof length) return;
    std::memcpy(&length, input.data(), sizeof length);
    input.remove_prefix(sizeof length);
    first = input.substr(0, length);
    second = input.substr(first.size());
  }
};

/// Whatever the vocabulary, text has ids below its size, or one sentence says why not, and ids have bytes,
/// which a stream gives as whole characters.
inline void useTokenizer(const model::Tokenizer& tokenizer, std::string_view text) {
  for (const model::SpecialText special : {model::SpecialText::Plain, model::SpecialText::Parsed}) {
    expectSentence([&] {
      const std::vector<int> tokens = tokenizer.encode(text, special);
      for (int token : tokens) expect(token >= 0 && token < tokenizer.vocabSize());
      static_cast<void>(tokenizer.decode(tokens));
      std::string bytes;
      std::string streamed;
      text::TextStream stream;
      for (int token : tokens) {
        bytes += tokenizer.pieceBytes(token);
        streamed += stream.feed(tokenizer, token);
      }
      expect(streamed + stream.finish() == text::replaceInvalidUtf8(bytes));
    });
  }
  for (int token : {-1, 0, tokenizer.vocabSize() - 1, tokenizer.vocabSize()}) {
    static_cast<void>(tokenizer.pieceBytes(token));
    static_cast<void>(tokenizer.endsText(token));
  }
  expect(tokenizer.beginToken() < tokenizer.vocabSize() && tokenizer.endToken() < tokenizer.vocabSize());
}

/// Text with what tokenizers treat apart: spaces, digits, line breaks, other scripts, broken UTF-8.
inline constexpr std::string_view kSampleText =
    "Hello  you'll see 12345 \n\n\t caf\xC3\xA9 \xE4\xBD\xA0 <s>\xFF\x80.";

}  // namespace headroom::tests
