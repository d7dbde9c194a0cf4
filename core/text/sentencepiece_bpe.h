#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/model/tokenizer.h"
#include "core/text/added_tokens.h"
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
/// in files of Hugging Face.
class SentencePieceBpe final : public model::Tokenizer {
 public:
  /// Throws model::Error for score or type lists of the wrong length, merges that are not two spellings, and
  /// special ids outside the vocabulary. Merges need no scores.
  explicit SentencePieceBpe(SentencePieceBpeData data);
  SentencePieceBpe(const SentencePieceBpe&) = delete;  // m_tokenOf points into m_data
  SentencePieceBpe& operator=(const SentencePieceBpe&) = delete;

  const SentencePieceBpeData& data() const { return m_data; }

  std::string kindText() const override { return "SentencePiece BPE"; }
  int vocabSize() const override { return static_cast<int>(m_data.tokens.size()); }
  /// Throws model::Error only for a character that has neither a token, nor byte tokens, nor an unknown
  /// token.
  std::vector<int> encode(std::string_view text) const override;
  std::vector<int> encode(std::string_view text, model::SpecialText special) const override;
  std::string pieceBytes(int token) const override;
  std::string decode(const std::vector<int>& tokens) const override;
  int beginToken() const override { return m_data.beginToken; }
  int endToken() const override { return m_data.endToken; }
  bool endsText(int token) const override;

 private:
  struct Symbol;
  void indexTokens();
  std::vector<std::string_view> wordsOf(std::string_view escaped) const;
  void encodeWord(std::string_view word, std::vector<int>& tokens) const;
  void mergeByScore(std::string_view word, std::vector<int>& tokens) const;
  void mergeByRank(std::string_view word, std::vector<int>& tokens) const;

  SentencePieceBpeData m_data;
  AddedTokens m_addedTokens;
  MergeTable m_merges;
  std::vector<std::string> m_pieces;                    ///< bytes of each token
  std::unordered_map<std::string_view, int> m_tokenOf;  ///< normal tokens, views into m_data.tokens
  std::array<int, 256> m_byteTokens;
};

}  // namespace headroom::text
