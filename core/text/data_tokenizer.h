#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/model/tokenizer.h"
#include "core/text/added_tokens.h"

namespace headroom::text {

/// What the tokenizers of this module do alike, whatever else their Data, which is what a file stores of the
/// vocabulary, holds beside `tokens`, `tokenTypes`, `stripping`, `beginToken`, `endToken` and
/// `turnEndTokens`: added tokens are found first, each with its own id, and the stretches of text between
/// them are encoded by the vocabulary's rules; what a token stands for is looked up.
template <typename Data>
class DataTokenizer : public model::Tokenizer {
 public:
  DataTokenizer(const DataTokenizer&) = delete;  // maps may point into m_data
  DataTokenizer& operator=(const DataTokenizer&) = delete;

  const Data& data() const { return m_data; }

  int vocabSize() const final { return static_cast<int>(m_data.tokens.size()); }
  std::vector<int> encode(std::string_view text) const final {
    return encode(text, model::SpecialText::Plain);
  }
  std::vector<int> encode(std::string_view text, model::SpecialText special) const final {
    std::vector<int> tokens;
    tokens.reserve(text.size() / 3 + 1);
    for (const TextPart& part : m_addedTokens.split(text, special)) {
      if (part.token >= 0) {
        tokens.push_back(part.token);
      } else {
        encodePart(part.text, text, tokens);
      }
    }
    return tokens;
  }
  std::string pieceBytes(int token) const final {
    return token >= 0 && token < vocabSize() ? m_pieces[static_cast<std::size_t>(token)] : std::string();
  }
  std::string decode(const std::vector<int>& tokens) const final {
    std::string bytes;
    for (int token : tokens) bytes += pieceBytes(token);
    if (addsSpace() && bytes.starts_with(' ')) bytes.erase(0, 1);
    return bytes;
  }
  int beginToken() const final { return m_data.beginToken; }
  int endToken() const final { return m_data.endToken; }
  bool endsText(int token) const final {
    return model::Tokenizer::endsText(token) ||
           std::ranges::find(m_data.turnEndTokens, token) != m_data.turnEndTokens.end();
  }

 protected:
  /// `data` with its lists and ids found to fit each other. Throws model::Error as AddedTokens does.
  explicit DataTokenizer(Data data)
      : m_data(std::move(data)),
        m_addedTokens(m_data.tokens, m_data.tokenTypes, m_data.stripping),
        m_pieces(m_data.tokens.size()) {
    m_byteTokens.fill(-1);
  }

  /// Appends the tokens of `part`, which lies within `text` and holds no added token.
  virtual void encodePart(std::string_view part, std::string_view text, std::vector<int>& tokens) const = 0;
  /// Whether a text is encoded as if it began with a space, which then is none of a reader's.
  virtual bool addsSpace() const = 0;

  const Data m_data;
  const AddedTokens m_addedTokens;
  std::vector<std::string> m_pieces;  ///< bytes of each token
  std::array<int, 256> m_byteTokens;  ///< the token of each byte, or -1
};

}  // namespace headroom::text
