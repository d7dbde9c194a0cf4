#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::text {

/// Cuts text into the words that byte-level BPE merges within, by regular expressions: each cuts the pieces
/// that the one before left into its matches and what lies between them. Concatenated, the words are the
/// text. A byte that is not valid UTF-8 is a word of its own.
class PreTokenizer {
 public:
  /// `family` as GGUF's tokenizer.ggml.pre spells it (pre_tokenizer_families.h). Throws model::Error for
  /// others.
  explicit PreTokenizer(std::string_view family);
  /// Patterns in PCRE2's syntax; \s, \d, \w and \b go by Unicode. None: the whole text is one word. Throws
  /// model::Error for a pattern that PCRE2 refuses.
  explicit PreTokenizer(const std::vector<std::string>& expressions);
  ~PreTokenizer();
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;

  /// Views into `text`, in order, none empty. Throws model::Error where an expression needs too much memory.
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  class Expression;
  class Matcher;
  void splitValid(std::string_view text, const Matcher& matcher, std::vector<std::string_view>& words) const;

  std::vector<std::unique_ptr<Expression>> m_expressions;
};

}  // namespace headroom::text
