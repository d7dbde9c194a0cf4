#include "app/cli/token_arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>

#include "core/model/chat_template.h"
#include "core/model/error.h"
#include "core/model/utf8.h"

namespace headroom::cli {

std::vector<int> parseIds(const std::string& list) {
  std::vector<int> ids;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at != end) {
    while (at != end && *at == ' ') ++at;
    int id = 0;
    const auto [next, status] = std::from_chars(at, end, id);
    if (status != std::errc() || id < 0) {
      throw CLI::ValidationError(
          fmt::format("token list {}: expected ids with commas between them", model::quotedName(list)));
    }
    ids.push_back(id);
    at = next;
    while (at != end && *at == ' ') ++at;
    if (at == end) break;
    if (*at != ',') {
      throw CLI::ValidationError(
          fmt::format("token list {}: expected ids with commas between them", model::quotedName(list)));
    }
    ++at;
  }
  return ids;
}

const model::Tokenizer& requireTokenizer(const model::Model& model) {
  if (!model.tokenizer)
    throw model::Error(fmt::format("{} has no tokenizer; give --tokens instead", model.path));
  return *model.tokenizer;
}

namespace {
std::vector<int> chatIds(const TokenInput& input, const model::Model& model) {
  std::vector<model::ChatMessage> messages;
  if (!input.system.empty()) messages.push_back({model::ChatRole::System, input.system});
  messages.push_back({model::ChatRole::User, input.prompt});
  try {
    const std::string prompt = model::ChatTemplate(model.chatTemplate).prompt(messages);
    return requireTokenizer(model).encode(prompt, model::SpecialText::Parsed);
  } catch (const model::Error& error) {
    throw model::Error(fmt::format("{}: {}", model.path, error.what()));
  }
}
}  // namespace

std::vector<int> TokenInput::idsFor(const model::Model& model) const {
  std::vector<int> ids;
  if (hasPrompt) {
    const model::Tokenizer& tokenizer = requireTokenizer(model);
    const std::vector<int> text = isChat ? chatIds(*this, model) : tokenizer.encode(prompt);
    if (tokenizer.beginToken() >= 0) ids.push_back(tokenizer.beginToken());
    ids.insert(ids.end(), text.begin(), text.end());
  } else {
    ids = parseIds(tokens);
  }
  if (ids.empty())
    throw CLI::ValidationError("no tokens to feed: give --tokens 1,2,3 or a --prompt with text");
  return ids;
}

}  // namespace headroom::cli
