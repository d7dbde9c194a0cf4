#pragma once

#include <string>
#include <vector>

#include "core/model/model.h"

namespace headroom::cli {

/// "1,2,3" as ids. Throws CLI::ValidationError for anything else.
std::vector<int> parseIds(const std::string& list);

/// What a model is fed: ids as given by --tokens, or the ids of --prompt after the model's begin token.
struct TokenInput {
  std::string tokens;
  std::string prompt;
  std::string system;  ///< of a chat, empty for none
  bool hasPrompt = false;
  bool isChat = false;  ///< the prompt is a user's message, to be written as the model's chat template says

  /// Throws model::Error for a prompt without a tokenizer and a chat without a known template,
  /// CLI::ValidationError when nothing is left to feed.
  std::vector<int> idsFor(const model::Model& model) const;
};

/// The model's tokenizer; throws model::Error naming the file when it has none.
const model::Tokenizer& requireTokenizer(const model::Model& model);

}  // namespace headroom::cli
