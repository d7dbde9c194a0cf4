#pragma once

#include <string>
#include <vector>

#include "app/session/machine.h"
#include "app/session/settings.h"
#include "app/session/trace_store.h"

namespace headroom::session {

enum class PromptText { LeftOut, Included };

/// What a report of a problem needs to say.
struct DiagnosticsSource {
  /// Lines about the program and its libraries: "Headroom 0.4.0".
  std::vector<std::string> program;
  std::string system;  ///< "Debian GNU/Linux 12 (bookworm), linux 6.1, x86_64"
  std::vector<DeviceFacts> devices;
  std::string devicesError;  ///< why they could not be listed
  const TraceStore& store;
  const Settings& settings;
  std::vector<std::string> messages;  ///< the last ones, oldest first
  std::string home;                   ///< the user's folder, shown as ~; empty where there is none
};

/// For people, in plain text. Without `prompt` nothing that the user wrote is in it: of messages, too, what
/// stands in quotation marks is left out.
std::string diagnosticsText(const DiagnosticsSource& source, PromptText prompt);

}  // namespace headroom::session
