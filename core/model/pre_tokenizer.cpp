#include "core/model/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include "core/model/error.h"
#include "core/model/utf8.h"

namespace headroom::model {

namespace {
struct Family {
  std::string_view name;
  std::string_view expression;
};

// What each family's published tokenizer matches.
constexpr Family kFamilies[] = {
    {"gpt-2", R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"},
    {"llama-bpe",
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {"qwen2",
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
};

std::string_view expressionOf(std::string_view name) {
  for (const Family& family : kFamilies) {
    if (family.name == name) return family.expression;
  }
  throw Error(
      fmt::format("Unsupported pre-tokenizer {}: expected one of gpt-2, llama-bpe, qwen2", quotedName(name)));
}
}  // namespace

struct PreTokenizer::Expression {
  explicit Expression(std::string_view pattern) {
    int errorCode = 0;
    PCRE2_SIZE errorOffset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP,
                         &errorCode, &errorOffset, nullptr);
    if (!code) throw Error(fmt::format("PCRE2 refuses the pre-tokenizer expression: error {}", errorCode));
    // Where the processor has no JIT, pcre2_match interprets; same words, slower.
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  }
  ~Expression() { pcre2_code_free(code); }
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;

  pcre2_code* code = nullptr;
};

PreTokenizer::PreTokenizer(std::string_view name)
    : m_name(name), m_expression(std::make_unique<Expression>(expressionOf(name))) {}
PreTokenizer::~PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  std::vector<std::string_view> words;
  std::size_t runStart = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Character character = firstCharacter(text.substr(at));
    if (!character.valid) {
      splitValid(text.substr(runStart, at - runStart), words);
      words.push_back(text.substr(at, 1));
      runStart = at + 1;
    }
    at += character.length;
  }
  splitValid(text.substr(runStart), words);
  return words;
}

void PreTokenizer::splitValid(std::string_view text, std::vector<std::string_view>& words) const {
  if (text.empty()) return;
  struct MatchData {
    pcre2_match_data* data;
    ~MatchData() { pcre2_match_data_free(data); }
  };
  const MatchData match{pcre2_match_data_create(1, nullptr)};
  if (!match.data) throw Error("Out of memory while splitting text into words");
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  std::size_t at = 0;
  while (at < text.size()) {
    // The caller has checked the UTF-8; checking again per match would make this quadratic.
    const int found =
        pcre2_match(m_expression->code, subject, text.size(), at, PCRE2_NO_UTF_CHECK, match.data, nullptr);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
      throw Error(fmt::format("PCRE2 error {} while splitting text into words at byte {}", found, at));
    }
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(match.data);
    const std::size_t start = found < 0 ? text.size() : bounds[0];
    if (start > at) words.push_back(text.substr(at, start - at));
    if (found < 0) break;
    words.push_back(text.substr(start, bounds[1] - start));
    at = bounds[1];
  }
}

}  // namespace headroom::model
