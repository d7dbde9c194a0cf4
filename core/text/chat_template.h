#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::text {

enum class ChatRole { System, User, Assistant };

struct ChatMessage {
  ChatRole role = ChatRole::User;
  std::string text;
};

struct ChatFormat;

/// How a chat model wants messages written. The Jinja text that model files carry is not run: it is
/// recognised by its marks as one of the common families, and messages are written in that family's form.
/// What a template adds of its own accord, a default system message or today's date, is left out, and so is
/// the begin token, which callers put before every text.
class ChatTemplate {
 public:
  /// Throws model::Error, a sentence with the known families, for Jinja text of no known family; empty text
  /// too.
  explicit ChatTemplate(std::string_view jinja);

  /// "chatml", "llama-3", ...
  std::string_view family() const;
  /// The messages, ending where the assistant's reply goes. Control tokens are spelled out: encode with
  /// model::SpecialText::Parsed.
  std::string prompt(std::span<const ChatMessage> messages) const;

 private:
  const ChatFormat* m_format;
};

}  // namespace headroom::text
