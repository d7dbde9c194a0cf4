#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/model/tokenizer.h"
#include "core/text/byte_trie.h"
#include "core/text/token_type.h"

namespace headroom::text {

/// Tokens next to which white space belongs to the token and leaves no trace, by id.
struct TokenStripping {
  std::vector<int> left = {};   ///< white space before these
  std::vector<int> right = {};  ///< white space after these
};

/// A stretch of text that the vocabulary's own rules encode, or one added token.
struct TextPart {
  std::string_view text = {};
  int token = -1;  ///< -1 for text
};

/// The tokens of a vocabulary that are found in a text as they are spelled, before anything else looks at
/// it: user-defined ones always, control tokens where the caller wants them read.
class AddedTokens {
 public:
  /// `types` has one entry per token, or none when all are normal. Throws model::Error for stripping ids that
  /// are outside the vocabulary.
  AddedTokens(const std::vector<std::string>& tokens, const std::vector<TokenType>& types,
              const TokenStripping& stripping = {});

  /// The parts of `text` in order, none empty. Of tokens that overlap in the text the longer one counts, of
  /// equally long ones the first; near linear in the length of the text.
  std::vector<TextPart> split(std::string_view text, model::SpecialText special) const;

 private:
  ByteTrie m_userDefined;
  ByteTrie m_all;
  std::vector<bool> m_stripsLeft;  ///< by token
  std::vector<bool> m_stripsRight;
};

}  // namespace headroom::text
