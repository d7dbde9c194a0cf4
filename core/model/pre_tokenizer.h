#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::model {

/// Cuts text into the words that byte-level BPE merges within, by the regular expression of a vocabulary
/// family. Concatenated, the words are the text. A byte that is not valid UTF-8 is a word of its own.
class PreTokenizer {
 public:
  /// `name` as GGUF's tokenizer.ggml.pre spells it: "gpt-2", "llama-bpe" or "qwen2". Throws Error for others.
  explicit PreTokenizer(std::string_view name);
  ~PreTokenizer();
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;

  const std::string& name() const { return m_name; }
  /// Views into `text`, in order, none empty.
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  struct Expression;
  void splitValid(std::string_view text, std::vector<std::string_view>& words) const;

  std::string m_name;
  std::unique_ptr<Expression> m_expression;
};

}  // namespace headroom::model
