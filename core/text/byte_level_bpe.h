#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/model/tokenizer.h"
#include "core/text/added_tokens.h"
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
/// that every text has an encoding (Radford et al. 2019; Sennrich et al. 2016).
class ByteLevelBpe final : public model::Tokenizer {
 public:
  /// Throws model::Error for an unsupported pre-tokenizer, a token type list of the wrong length, a merge
  /// that is not two spellings, or special ids outside the vocabulary.
  explicit ByteLevelBpe(ByteLevelBpeData data);
  ByteLevelBpe(const ByteLevelBpe&) = delete;  // m_tokenOf points into m_data
  ByteLevelBpe& operator=(const ByteLevelBpe&) = delete;

  const ByteLevelBpeData& data() const { return m_data; }

  std::string kindText() const override { return "byte-level BPE, words of " + m_data.preTokenizer; }
  int vocabSize() const override { return static_cast<int>(m_data.tokens.size()); }
  /// Throws model::Error only when the text has a byte that the vocabulary has no token for.
  std::vector<int> encode(std::string_view text) const override;
  std::vector<int> encode(std::string_view text, model::SpecialText special) const override;
  std::string pieceBytes(int token) const override;
  std::string decode(const std::vector<int>& tokens) const override;
  int beginToken() const override { return m_data.beginToken; }
  int endToken() const override { return m_data.endToken; }
  bool endsText(int token) const override;

 private:
  void indexTokens();
  void encodeText(std::string_view text, std::vector<int>& tokens) const;
  void encodeWord(std::string_view word, std::vector<int>& tokens) const;

  ByteLevelBpeData m_data;
  PreTokenizer m_preTokenizer;
  bool m_wholeWordsFirst = false;  ///< a word that is a token is taken as it is, without merging
  AddedTokens m_addedTokens;
  std::vector<std::string> m_pieces;                    ///< bytes of each token
  std::unordered_map<std::string_view, int> m_tokenOf;  ///< by spelling, views into m_data; no control tokens
  MergeTable m_merges;
  std::array<int, 256> m_byteTokens;
};

}  // namespace headroom::text
