#include "app/cli/interrupt.h"

#include <csignal>

namespace headroom::cli {

namespace {
std::atomic<bool> flag = false;  // set by the signal handler; nothing else can reach it there
static_assert(std::atomic<bool>::is_always_lock_free);

void handle(int) {
  flag = true;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}
}  // namespace

const std::atomic<bool>& watchInterrupts() {
  std::signal(SIGINT, handle);
  std::signal(SIGTERM, handle);
  return flag;
}

bool interrupted() {
  return flag;
}

}  // namespace headroom::cli
