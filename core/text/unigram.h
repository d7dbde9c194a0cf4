#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/text/byte_trie.h"
#include "core/text/charsmap.h"
#include "core/text/data_tokenizer.h"
#include "core/text/sentencepiece_text.h"
#include "core/text/token_type.h"

namespace headroom::text {

/// What a file stores of a SentencePiece unigram vocabulary. A token's id is its index; "▁" (U+2581) spells a
/// space.
struct UnigramData {
  std::vector<std::string> tokens = {};
  std::vector<double> scores = {};         ///< one per token, the logarithm of its probability
  std::vector<TokenType> tokenTypes = {};  ///< one per token
  int beginToken = -1;
  int endToken = -1;
  int unknownToken = -1;
  SpacePrefix spacePrefix = SpacePrefix::EveryPart;
  bool removesExtraSpaces = true;       ///< at both ends, and all but one between words
  bool splitsAtSpaces = false;          ///< no token has the start of a word within it
  std::string charsmap = {};            ///< see Charsmap; empty for none
  std::vector<int> turnEndTokens = {};  ///< further tokens that end a text
  TokenStripping stripping = {};
};

/// SentencePiece's unigram tokenizer: of all ways to spell a text in tokens the one with the highest sum of
/// scores (Kudo 2018). Characters that no token spells become byte tokens where the vocabulary has them, else
/// the unknown token, one for each run; without either, encoding throws model::Error.
class Unigram final : public DataTokenizer<UnigramData> {
 public:
  /// Throws model::Error for score or type lists of the wrong length, scores that are not finite, a broken
  /// charsmap, and special ids outside the vocabulary.
  explicit Unigram(UnigramData data);

  std::string kindText() const override { return "SentencePiece unigram"; }

 private:
  void indexTokens();
  std::string normalized(std::string_view part, SpacePrefix prefix) const;
  void encodePart(std::string_view part, std::string_view text, std::vector<int>& tokens) const override;
  void encodeWord(std::string_view word, std::vector<int>& tokens) const;
  bool addsSpace() const override { return m_data.spacePrefix != SpacePrefix::None; }

  Charsmap m_charsmap;
  ByteTrie m_trie;  ///< normal tokens
  double m_unknownScore = 0.0;
};

}  // namespace headroom::text
