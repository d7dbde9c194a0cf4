#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/text/added_tokens.h"
#include "core/text/token_type.h"

namespace headroom::formats {

/// The tokens of a Hugging Face tokenizer.json: those of its model, and those added to them.
struct HuggingFaceVocabulary {
  std::vector<std::string> tokens = {};  ///< by id; empty where the file names none
  std::vector<text::TokenType> types = {};
  std::vector<double> scores = {};  ///< by id, Unigram only
  text::TokenStripping stripping = {};
  std::vector<int> normalized = {};  ///< added tokens that are looked for in normalised text
  int unknownToken = -1;

  /// The id of a token, or -1.
  int idOf(std::string_view token) const;
};

/// Reads model.vocab and added_tokens. Ids are less than `vocabSize`, or less than a small multiple of the
/// number of tokens when that is 0. Throws model::Error for anything else, and for added tokens that are to
/// be found in another way than as they are spelled.
HuggingFaceVocabulary readHuggingFaceVocabulary(const nlohmann::json& tokenizer, int vocabSize);

}  // namespace headroom::formats
