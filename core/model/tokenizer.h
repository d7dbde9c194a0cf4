#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headroom::model {

/// What text that is spelled like a control token, "<|im_end|>", stands for.
enum class SpecialText {
  Plain,   ///< the characters; for whatever a user wrote
  Parsed,  ///< the token; for prompts from a chat template
};

/// Text to token ids and back. Implementations: ByteLevelBpe, SentencePieceBpe, Unigram.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// What it is, for people: "byte-level BPE, words of gpt-2".
  virtual std::string kindText() const = 0;
  virtual int vocabSize() const = 0;
  /// Ids of `text` without special tokens. Any bytes are accepted, also broken UTF-8.
  virtual std::vector<int> encode(std::string_view text) const = 0;
  /// The same, with what is spelled like a control token read as `special` says. A tokenizer without control
  /// tokens need not tell them apart.
  virtual std::vector<int> encode(std::string_view text, SpecialText special) const {
    static_cast<void>(special);
    return encode(text);
  }
  /// The bytes that one token stands for; may be part of a UTF-8 character. Empty for control tokens.
  virtual std::string pieceBytes(int token) const = 0;
  /// Bytes of all tokens, as a reader would see them (SentencePiece: without the leading space it adds).
  virtual std::string decode(const std::vector<int>& tokens) const = 0;
  /// The id that starts a text, or -1 where the model has none or does not ask for it.
  virtual int beginToken() const = 0;
  /// The id after which generation stops, or -1.
  virtual int endToken() const = 0;
  /// Whether generation stops at `token`: the end token, or one that ends a turn of a chat.
  virtual bool endsText(int token) const { return token >= 0 && token == endToken(); }
};

}  // namespace headroom::model
