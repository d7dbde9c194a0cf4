#pragma once

#include <array>
#include <string_view>
#include <vector>

namespace headroom::text {

enum class ChatText { AsWritten, Trimmed };

/// How one role's message is written.
struct TurnFormat {
  std::string_view before;
  std::string_view after;
  ChatText text = ChatText::AsWritten;
};

enum class SystemPlace {
  OwnTurn,
  InUserTurn,  ///< between what begins the next user's turn and its text
};

/// How the chats of one family are written, and how its template is recognised.
struct ChatFormat {
  std::string_view name;
  std::array<std::string_view, 3> marks;  ///< all of them stand in the Jinja text; empty ones say nothing
  TurnFormat system;
  TurnFormat user;
  TurnFormat assistant;
  std::string_view reply;  ///< begins the assistant's reply
  SystemPlace systemPlace = SystemPlace::OwnTurn;
  std::string_view start = {};            ///< before everything
  std::string_view beforeLaterTurn = {};  ///< before every user's turn but the first
};

/// The first format whose marks are all in `jinja`, or null.
const ChatFormat* findChatFormat(std::string_view jinja);

/// The names of all families, each once.
std::vector<std::string_view> knownChatFamilies();

}  // namespace headroom::text
