#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/text/data_tokenizer.h"
#include "core/text/merge_table.h"
#include "core/text/sentencepiece_text.h"
#include "core/text/token_type.h"

namespace headroom::text {

/// What a file stores of a SentencePiece BPE vocabulary. A token's id is its index; "▁" (U+2581) spells a
/// space.
struct SentencePieceBpeData {
  std::vector<std::string> tokens = {};
  std::vector<float>
      scores;  ///< one per token; the adjacent pair whose joined token scores highest merges first
  std::vector<TokenType> tokenTypes = {};  ///< one per token
  int beginToken = -1;
  int endToken = -1;
  int unknownToken = -1;
  bool addSpacePrefix = true;                        ///< a text is encoded as if it began with a space
  SpacePrefix spacePrefix = SpacePrefix::EveryPart;  ///< where, when addSpacePrefix is set
  std::vector<int> turnEndTokens = {};               ///< further tokens that end a text
  TokenStripping stripping = {};
  /// "left right", the merge to do first comes first. Where there are any, they decide instead of the scores.
  std::vector<std::string> merges = {};
  bool wholeWordsFirst = false;     ///< a word that is a token is taken as it is, without merging
  bool splitsAtSpaces = false;      ///< nothing merges across the start of a word
  bool splitsAtLineBreaks = false;  ///< ... nor between line breaks and text; several breaks may be one token
};

/// Llama's tokenizer: BPE over the characters of the whole text, with characters outside the vocabulary
/// spelled in byte tokens (Kudo and Richardson 2018). Merges go by score, as in SentencePiece, or by rank, as
/// in files of Hugging Face. Encoding throws model::Error only for a character that has neither a token, nor
/// byte tokens, nor an unknown token.
class SentencePieceBpe final : public DataTokenizer<SentencePieceBpeData> {
 public:
  /// Throws model::Error for score or type lists of the wrong length, merges that are not two spellings, and
  /// special ids outside the vocabulary. Merges need no scores.
  explicit SentencePieceBpe(SentencePieceBpeData data);

  std::string kindText() const override { return "SentencePiece BPE"; }

 private:
  struct Symbol;
  void indexTokens();
  void encodePart(std::string_view part, std::string_view text, std::vector<int>& tokens) const override;
  void encodeWord(std::string_view word, std::vector<int>& tokens) const;
  void mergeByScore(std::string_view word, std::vector<int>& tokens) const;
  void mergeByRank(std::string_view word, std::vector<int>& tokens) const;
  bool addsSpace() const override { return m_data.addSpacePrefix; }

  MergeTable m_merges;
  std::unordered_map<std::string_view, int> m_tokenOf;  ///< normal tokens, views into m_data.tokens
};

}  // namespace headroom::text
