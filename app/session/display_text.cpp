#include "app/session/display_text.h"

namespace headroom::session {

std::string quoted(const std::string& label) {
  return "\u201c" + label + "\u201d";
}

}  // namespace headroom::session
