#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/text/data_tokenizer.h"
#include "core/text/merge_table.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/token_type.h"

namespace headroom::text {

/// What a file stores of a byte-level BPE vocabulary. Tokens and merges are in the spelling of
/// byte_alphabet.h; a token's id is its index.
struct ByteLevelBpeData {
  std::vector<std::string> tokens = {};
  std::vector<std::string> merges = {};    ///< "left right", the merge to do first comes first
  std::vector<TokenType> tokenTypes = {};  ///< one per token, or empty when all are normal
  std::string preTokenizer = "gpt-2";      ///< a family of pre_tokenizer_families.h
  int beginToken = -1;
  int endToken = -1;
  std::vector<int> turnEndTokens = {};  ///< further tokens that end a text
  TokenStripping stripping = {};
  /// How words are found instead of `preTokenizer`'s way, for rules that no family has.
  std::optional<std::vector<std::string>> expressions = {};
  std::optional<bool> wholeWordsFirst = {};  ///< instead of the family's
  bool startsWithSpace = false;              ///< a text is encoded as if it began with a space
  bool composesCharacters = false;           ///< text is brought to Unicode's normalisation form C
};

/// GPT-2's tokenizer: words by regular expression, then merges of adjacent pieces by rank, over bytes, so
/// that every text has an encoding (Radford et al. 2019; Sennrich et al. 2016). Encoding throws model::Error
/// only when the text has a byte that the vocabulary has no token for.
class ByteLevelBpe final : public DataTokenizer<ByteLevelBpeData> {
 public:
  /// Throws model::Error for an unsupported pre-tokenizer, a token type list of the wrong length, a merge
  /// that is not two spellings, or special ids outside the vocabulary.
  explicit ByteLevelBpe(ByteLevelBpeData data);

  std::string kindText() const override { return "byte-level BPE, words of " + m_data.preTokenizer; }

 private:
  void indexTokens();
  void encodePart(std::string_view part, std::string_view text, std::vector<int>& tokens) const override;
  void encodeWord(std::string_view word, std::vector<int>& tokens) const;
  bool addsSpace() const override { return m_data.startsWithSpace; }

  PreTokenizer m_preTokenizer;
  bool m_wholeWordsFirst = false;  ///< a word that is a token is taken as it is, without merging
  std::unordered_map<std::string_view, int> m_tokenOf;  ///< by spelling, views into m_data; no control tokens
  MergeTable m_merges;
};

}  // namespace headroom::text
