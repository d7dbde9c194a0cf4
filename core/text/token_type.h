#pragma once

#include <cstdint>

namespace headroom::text {

/// What a vocabulary entry is; the values are those of GGUF's tokenizer.ggml.token_type.
enum class TokenType : std::int32_t {
  Normal = 1,
  Unknown = 2,
  Control = 3,  ///< never comes from text, stands for no bytes
  UserDefined = 4,
  Unused = 5,
  Byte = 6,  ///< "<0x0A>" in SentencePiece vocabularies
};

}  // namespace headroom::text
