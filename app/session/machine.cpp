#include "app/session/machine.h"

#include <optional>

#include "core/model/error.h"
#include "core/text/phrases.h"

namespace headroom::session {

PreferredDevice preferredDevice(const std::string& label) {
  if (label.empty()) return {};
  try {
    if (const auto argument = lanes::deviceNamed(label, lanes::listDevices())) return {*argument, {}};
  } catch (const model::Error&) {
    // The first lane says what is wrong with Vulkan.
  }
  return {{}, text::inWords<model::SentenceId::DeviceNotThere>(label)};
}

}  // namespace headroom::session
