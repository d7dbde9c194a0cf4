#pragma once

#include <atomic>
#include <string>

namespace headroom::cli {

/// From now on the first Ctrl-C or SIGTERM sets the flag that comes back, so that what is done can be kept;
/// the second ends the program at once. For commands that look at the flag.
const std::atomic<bool>& watchInterrupts();

/// Whether it came to that.
bool interrupted();

}  // namespace headroom::cli
