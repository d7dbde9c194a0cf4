#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headroom::model {

/// Text to token ids and back. Implementations: ByteLevelBpe, SentencePieceBpe.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual int vocabSize() const = 0;
  /// Ids of `text` without special tokens. Any bytes are accepted, also broken UTF-8.
  virtual std::vector<int> encode(std::string_view text) const = 0;
  /// The bytes that one token stands for; may be part of a UTF-8 character. Empty for control tokens.
  virtual std::string pieceBytes(int token) const = 0;
  /// Bytes of all tokens, as a reader would see them (SentencePiece: without the leading space it adds).
  virtual std::string decode(const std::vector<int>& tokens) const = 0;
  /// The id that starts a text, or -1 where the model has none or does not ask for it.
  virtual int beginToken() const = 0;
  /// The id after which generation stops, or -1.
  virtual int endToken() const = 0;
};

}  // namespace headroom::model
