#include "core/text/chat_template.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

namespace {
constexpr std::string_view kPlainMark = "a message of the user";

/// Whatever family is recognised, a prompt has what was said in it.
void usePrompts(const text::ChatTemplate& chat, std::string_view text) {
  const std::string said(text);
  const std::string mark(kPlainMark);
  using text::ChatRole;
  const std::vector<text::ChatMessage> messages = {
      {ChatRole::System, said}, {ChatRole::User, mark}, {ChatRole::Assistant, said}, {ChatRole::User, said}};
  for (std::size_t first = 0; first < messages.size(); ++first) {
    for (std::size_t count = 0; count <= messages.size() - first; ++count) {
      const std::span<const text::ChatMessage> some = std::span(messages).subspan(first, count);
      tests::expectSentence([&] {
        const std::string prompt = chat.prompt(some);
        if (first <= 1 && first + count > 1) tests::expect(prompt.find(kPlainMark) != std::string::npos);
      });
    }
  }
}
}  // namespace

/// A chat template's Jinja text, and messages through it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tests::TwoParts parts(tests::textOf(data, size));
  tests::expectSentence([&] { usePrompts(text::ChatTemplate(parts.first), parts.second); });
  return 0;
}
