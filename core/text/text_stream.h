#pragma once

#include <string>
#include <string_view>

#include "core/model/tokenizer.h"

namespace headroom::text {

/// Text of tokens as they come, in whole characters only: bytes that may still become one wait for the rest
/// of it, those that no longer can become U+FFFD. All that comes out, put together, is replaceInvalidUtf8 of
/// all that went in.
class TextStream {
 public:
  /// What `token` completes.
  std::string feed(const model::Tokenizer& tokenizer, int token) { return feed(tokenizer.pieceBytes(token)); }
  std::string feed(std::string_view bytes);
  /// What still waits, now that nothing follows. The stream is empty after this.
  std::string finish();

 private:
  std::string m_waiting;  ///< at most 3 bytes
};

}  // namespace headroom::text
