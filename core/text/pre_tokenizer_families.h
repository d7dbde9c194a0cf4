#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::text {

/// How the vocabularies of one family cut text into words, as the family's tokenizer was published.
struct PreTokenizerFamily {
  std::string_view name;  ///< as GGUF's tokenizer.ggml.pre spells it
  /// PCRE2 patterns, applied one after another, each to the pieces that the one before left.
  std::span<const std::string_view> expressions;
  bool wholeWordsFirst = false;  ///< a word that is a token as it stands is not built from merges
  bool addsBeginToken = false;   ///< texts start with the begin token unless the file says otherwise
};

std::span<const PreTokenizerFamily> preTokenizerFamilies();

/// The family of that name. Throws model::Error, a sentence with the nearest names, for others.
const PreTokenizerFamily& preTokenizerFamily(std::string_view name);

/// A published expression as the table has it: one that finds the same matches in time linear in the text,
/// where the published one looks ahead to the end of a number from each of its digits.
std::string_view linearForm(std::string_view expression);

/// The first family with these expressions and this treatment of whole words; null when there is none.
const PreTokenizerFamily* findPreTokenizerFamily(const std::vector<std::string>& expressions,
                                                 bool wholeWordsFirst);

}  // namespace headroom::text
