#include "app/session/machine.h"

#include <optional>

#include "core/model/error.h"

namespace headroom::session {

PreferredDevice preferredDevice(const std::string& label) {
  if (label.empty()) return {};
  try {
    if (const auto argument = lanes::deviceNamed(label, lanes::listDevices())) return {*argument, {}};
  } catch (const model::Error&) {
    // The first lane says what is wrong with Vulkan.
  }
  return {{},
          "The device chosen in the preferences, " + label +
              ", is not there; lanes decode on the best one that is."};
}

}  // namespace headroom::session
