#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/text/sentencepiece_text.h"

namespace headroom::formats {

/// How a vocabulary spells text.
enum class Spelling {
  Bytes,       ///< bytes in the alphabet of byte_alphabet.h
  Characters,  ///< characters, "▁" for a space
};

/// What the normalizer and pre_tokenizer of a Hugging Face tokenizer.json do, in this project's terms.
struct HuggingFaceRules {
  Spelling spelling = Spelling::Characters;
  // Bytes
  std::vector<std::string> expressions = {};  ///< of a PreTokenizer
  bool startsWithSpace = false;               ///< every text is encoded as if it began with a space
  // Characters
  text::SpacePrefix spacePrefix = text::SpacePrefix::None;
  bool prepends = false;  ///< the prefix is part of the normalisation, which added tokens go through too
  bool splitsAtSpaces = false;      ///< each word is encoded by itself
  bool removesExtraSpaces = false;  ///< at both ends, and all but one between words
  std::string charsmap = {};        ///< SentencePiece's precompiled normalisation, empty for none
  // Both
  bool composesCharacters = false;  ///< Unicode's normalisation form C
};

/// Reads the two parts of a tokenizer.json. Throws model::Error, one sentence that names the part, for what
/// this project would not do exactly as published.
HuggingFaceRules readHuggingFaceRules(const nlohmann::json& tokenizer);

}  // namespace headroom::formats
