#include "core/text/chat_template.h"

#include <fmt/format.h>

#include "core/model/error.h"
#include "core/text/chat_formats.h"

namespace headroom::text {

namespace {
std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\n\v\f\r";
  const std::size_t start = text.find_first_not_of(kSpaces);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kSpaces) - start + 1);
}

std::string_view contentOf(const ChatMessage& message, const TurnFormat& format) {
  return format.text == ChatText::Trimmed ? trimmed(message.text) : std::string_view(message.text);
}

std::string written(const ChatMessage& message, const TurnFormat& format) {
  return std::string(format.before).append(contentOf(message, format)).append(format.after);
}
}  // namespace

ChatTemplate::ChatTemplate(std::string_view jinja) : m_format(findChatFormat(jinja)) {
  if (jinja.empty()) throw model::Error("The model has no chat template; give its prompt in full instead");
  if (!m_format) {
    throw model::Error(
        fmt::format("The model's chat template of {} bytes is of no known family, expected one of {}",
                    jinja.size(), fmt::join(knownChatFamilies(), ", ")));
  }
}

std::string_view ChatTemplate::family() const {
  return m_format->name;
}

std::string ChatTemplate::prompt(std::span<const ChatMessage> messages) const {
  std::string text(m_format->start);
  std::string waitingSystem;  // for the next user's turn
  bool hasUserTurn = false;
  for (const ChatMessage& message : messages) {
    switch (message.role) {
      case ChatRole::System:
        (m_format->systemPlace == SystemPlace::InUserTurn ? waitingSystem : text) +=
            written(message, m_format->system);
        break;
      case ChatRole::User:
        if (hasUserTurn) text += m_format->beforeLaterTurn;
        hasUserTurn = true;
        text.append(m_format->user.before).append(waitingSystem);
        text.append(contentOf(message, m_format->user)).append(m_format->user.after);
        waitingSystem.clear();
        break;
      case ChatRole::Assistant:
        text += written(message, m_format->assistant);
        break;
    }
  }
  return text.append(m_format->reply);
}

}  // namespace headroom::text
