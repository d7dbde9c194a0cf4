#include "app/cli/token_arguments.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/lanes/prompt.h"
#include "core/model/error.h"
#include "core/text/token_list.h"
#include "core/text/utf8.h"

namespace headroom::cli {

std::vector<int> parseIds(const std::string& list) {
  try {
    return text::parseTokenIds(list);
  } catch (const model::Error& error) {
    throw CLI::ValidationError(error.what());
  }
}

const model::Tokenizer& requireTokenizer(const model::Model& model) {
  if (!model.tokenizer)
    throw model::Error(fmt::format("{} has no tokenizer; give --tokens instead", model.path));
  return *model.tokenizer;
}

namespace {
/// Why `text` is no prompt; empty when it is one.
std::string whyNoPrompt(std::string_view text) {
  if (text.empty()) return "is empty, expected text";
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return fmt::format("has a NUL as byte {}, expected text", nul);
  }
  for (std::size_t at = 0; at < text.size();) {
    const text::Utf8Character character = text::firstCharacter(text.substr(at));
    if (!character.valid) return fmt::format("is not UTF-8 at byte {}, expected text", at);
    at += character.length;
  }
  return {};
}
}  // namespace

std::string readText(const std::string& path) {
  const bool isInput = path == "-";
  const std::string name = isInput ? "standard input" : path;
  std::error_code ignored;
  if (!isInput && std::filesystem::is_directory(path, ignored)) {
    throw model::Error(fmt::format("{} is a folder, expected a text file", path));
  }
  std::ifstream file;
  if (!isInput) file.open(path, std::ios::binary);
  std::istream& in = isInput ? std::cin : file;
  if (!in) throw model::Error(fmt::format("{} cannot be read, expected a text file", path));
  std::string text(lanes::kMostPromptBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) throw model::Error(fmt::format("{} could not be read to its end", name));
  if (text.size() > lanes::kMostPromptBytes) {
    throw model::Error(fmt::format("{} has more than {} bytes, the most that a prompt may have", name,
                                   lanes::kMostPromptBytes));
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

void TokenInput::addOptions(CLI::App& app, const std::string& fileOption) {
  CLI::Option* tokens = app.add_option("--tokens", m_tokens, "Token ids to feed: 1,2,3");
  m_promptOption = app.add_option("--prompt", m_prompt, "Text to feed")->excludes(tokens);
  m_fileOption =
      app.add_option(fileOption, m_file,
                     "File with the text to feed, - for standard input; without its last line feed")
          ->excludes(tokens)
          ->excludes(m_promptOption);
}

void TokenInput::addChatOptions(CLI::App& app) {
  CLI::Option* chat = app.add_flag("--chat", m_isChat, "Write the prompt as the model's chat template says");
  app.add_option("--system", m_system, "System message before the prompt")->needs(chat);
}

const std::string& TokenInput::prompt() const {
  if (m_isRead) return m_prompt;
  m_isRead = true;
  if (m_fileOption->count() > 0) {
    m_prompt = readText(m_file);
    const std::string why = whyNoPrompt(m_prompt);
    if (!why.empty())
      throw model::Error(fmt::format("{} {}", m_file == "-" ? "standard input" : m_file, why));
  } else if (m_promptOption->count() > 0) {
    const std::string why = whyNoPrompt(m_prompt);
    if (!why.empty()) throw CLI::ValidationError("--prompt", why);
  }
  return m_prompt;
}

std::string TokenInput::name() const {
  if (m_fileOption->count() > 0)
    return m_file == "-" ? "standard input" : std::filesystem::path(m_file).filename().string();
  return m_promptOption->count() > 0 ? "the prompt" : "the given tokens";
}

std::vector<int> TokenInput::idsFor(const model::Model& model) const {
  const bool hasPrompt = m_promptOption->count() + m_fileOption->count() > 0;
  if (m_isChat && !hasPrompt) throw CLI::ValidationError("--chat", "requires --prompt or --prompt-file");
  std::vector<int> ids;
  if (hasPrompt) {
    requireTokenizer(model);
    const auto form = m_isChat ? lanes::PromptForm::Chat : lanes::PromptForm::Text;
    try {
      ids = lanes::promptIds({prompt(), form, m_system}, model);
    } catch (const model::Error& error) {
      throw model::Error(fmt::format("{}: {}", model.path, error.what()));
    }
  } else {
    ids = parseIds(m_tokens);
  }
  if (ids.empty())
    throw CLI::ValidationError("no tokens to feed: give --tokens 1,2,3 or a --prompt with text");
  return ids;
}

}  // namespace headroom::cli
