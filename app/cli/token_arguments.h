#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "core/model/model.h"

namespace headroom::cli {

/// "1,2,3" as ids. Throws CLI::ValidationError for anything else.
std::vector<int> parseIds(const std::string& list);

/// What a model is fed: ids as given by --tokens, or the ids of --prompt or --prompt-file after the model's
/// begin token.
class TokenInput {
 public:
  /// Adds --tokens, --prompt and --prompt-file, of which one is given; the last perhaps under other names.
  void addOptions(CLI::App& app, const std::string& fileOption = "--prompt-file");
  /// Adds --chat and --system.
  void addChatOptions(CLI::App& app);

  bool isChat() const { return m_isChat; }
  /// The text to start from, read once; empty with --tokens. Throws model::Error for a file that holds no
  /// text, CLI::ValidationError for a --prompt that is none.
  const std::string& prompt() const;
  /// Throws as prompt() does, model::Error for a prompt without a tokenizer and a chat without a known
  /// template, CLI::ValidationError when nothing is left to feed.
  std::vector<int> idsFor(const model::Model& model) const;
  /// For people: "story.txt", "standard input", "the prompt", "the given tokens".
  std::string name() const;

 private:
  std::string m_tokens;
  mutable std::string m_prompt;
  std::string m_file;
  std::string m_system;   ///< message of a chat, empty for none
  bool m_isChat = false;  ///< the prompt is a user's message, to be written as the model's chat template says
  mutable bool m_isRead = false;
  CLI::Option* m_promptOption = nullptr;
  CLI::Option* m_fileOption = nullptr;
};

/// A text file or, as "-", standard input, without its last line feed, which editors and echo add. Throws
/// model::Error where it cannot be read or is longer than a prompt may be.
std::string readText(const std::string& path);

/// The model's tokenizer; throws model::Error naming the file when it has none.
const model::Tokenizer& requireTokenizer(const model::Model& model);

}  // namespace headroom::cli
