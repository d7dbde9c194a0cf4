#include "core/model/host_memory.h"

#include <fstream>
#include <string>

namespace headroom::model {

std::optional<std::uint64_t> freeHostMemory() {
  std::ifstream table("/proc/meminfo");
  std::string key;
  for (std::uint64_t kilobytes = 0; table >> key >> kilobytes; table.ignore(64, '\n')) {
    if (key == "MemAvailable:") return kilobytes * 1024;
  }
  return std::nullopt;
}

}  // namespace headroom::model
