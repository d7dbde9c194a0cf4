#include "core/text/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <optional>

#include "core/model/error.h"
#include "core/text/pre_tokenizer_families.h"
#include "core/text/utf8.h"

namespace headroom::text {

namespace {
/// PCRE2 counts U+180E as white space, which Unicode took out in version 6.3: the property says what
/// tokenizers mean by \s.
std::string withUnicodeSpaces(std::string_view pattern) {
  std::string result;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      result.push_back(pattern[i]);
      continue;
    }
    ++i;
    if (pattern[i] == 's') {
      result += R"(\p{White_Space})";
    } else if (pattern[i] == 'S') {
      result += R"(\P{White_Space})";
    } else {
      result.push_back('\\');
      result.push_back(pattern[i]);
    }
  }
  return result;
}

std::string messageOf(int errorCode) {
  char text[120] = {};
  pcre2_get_error_message(errorCode, reinterpret_cast<PCRE2_UCHAR*>(text), sizeof(text));
  return text;
}

}  // namespace

/// What every match needs besides an expression: a place for its bounds, and a stack that long words do not
/// overflow.
class PreTokenizer::Matcher {
 public:
  Matcher() {
    constexpr std::size_t kFirstStackBytes = 32 << 10;
    constexpr std::size_t kMostStackBytes = 64 << 20;  // reserved; touched only as far as a match needs it
    m_data = pcre2_match_data_create(1, nullptr);
    m_context = pcre2_match_context_create(nullptr);
    m_stack = pcre2_jit_stack_create(kFirstStackBytes, kMostStackBytes, nullptr);
    if (m_context) pcre2_jit_stack_assign(m_context, nullptr, m_stack);
  }
  ~Matcher() {
    pcre2_jit_stack_free(m_stack);
    pcre2_match_context_free(m_context);
    pcre2_match_data_free(m_data);
  }
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  struct Range {
    std::size_t start = 0;
    std::size_t end = 0;
  };
  /// The first match at or after byte `at`, but no empty one at `at`.
  std::optional<Range> find(const pcre2_code* code, std::string_view text, std::size_t at) const {
    if (!m_data || !m_context) throw model::Error("Out of memory while splitting text into words");
    // The caller has checked the UTF-8; checking again per match would make this quadratic.
    const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                  PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY_ATSTART, m_data, m_context);
    if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
    if (found < 0) {
      throw model::Error(fmt::format("Splitting text into words failed at byte {} of {}: {}", at, text.size(),
                                     messageOf(found)));
    }
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(m_data);
    return Range{bounds[0], bounds[1]};
  }

 private:
  pcre2_match_data* m_data = nullptr;
  pcre2_match_context* m_context = nullptr;
  pcre2_jit_stack* m_stack = nullptr;
};

class PreTokenizer::Expression {
 public:
  explicit Expression(std::string_view published) {
    const std::string pattern = withUnicodeSpaces(published);
    int errorCode = 0;
    PCRE2_SIZE errorOffset = 0;
    m_code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                           PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &errorCode, &errorOffset, nullptr);
    if (!m_code) {
      throw model::Error(fmt::format("PCRE2 refuses the pre-tokenizer expression {}: {}",
                                     quotedName(published), messageOf(errorCode)));
    }
    // Where the processor has no JIT, pcre2_match interprets; same words, slower.
    pcre2_jit_compile(m_code, PCRE2_JIT_COMPLETE);
  }
  ~Expression() { pcre2_code_free(m_code); }
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;

  void split(std::string_view text, const Matcher& matcher, std::vector<std::string_view>& pieces) const {
    std::size_t pieceStart = 0;
    std::size_t at = 0;
    while (at < text.size()) {
      const auto match = matcher.find(m_code, text, at);
      if (!match) break;
      if (match->start > pieceStart) pieces.push_back(text.substr(pieceStart, match->start - pieceStart));
      if (match->end > match->start) pieces.push_back(text.substr(match->start, match->end - match->start));
      pieceStart = at = match->end;
    }
    if (pieceStart < text.size()) pieces.push_back(text.substr(pieceStart));
  }

 private:
  pcre2_code* m_code = nullptr;
};

PreTokenizer::PreTokenizer(std::string_view family) {
  for (std::string_view expression : preTokenizerFamily(family).expressions) {
    m_expressions.push_back(std::make_unique<Expression>(expression));
  }
}
PreTokenizer::PreTokenizer(const std::vector<std::string>& expressions) {
  for (const std::string& expression : expressions) {
    m_expressions.push_back(std::make_unique<Expression>(expression));
  }
}
PreTokenizer::~PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  const Matcher matcher;
  std::vector<std::string_view> words;
  std::size_t runStart = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Character character = firstCharacter(text.substr(at));
    if (!character.valid) {
      splitValid(text.substr(runStart, at - runStart), matcher, words);
      words.push_back(text.substr(at, 1));
      runStart = at + 1;
    }
    at += character.length;
  }
  splitValid(text.substr(runStart), matcher, words);
  return words;
}

void PreTokenizer::splitValid(std::string_view text, const Matcher& matcher,
                              std::vector<std::string_view>& words) const {
  if (text.empty()) return;
  std::vector<std::string_view> pieces = {text};
  for (const auto& expression : m_expressions) {
    std::vector<std::string_view> smaller;
    for (std::string_view piece : pieces) expression->split(piece, matcher, smaller);
    pieces = std::move(smaller);
  }
  words.insert(words.end(), pieces.begin(), pieces.end());
}

}  // namespace headroom::text
