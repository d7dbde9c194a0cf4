#include "core/formats/files/terminal.h"

#include <unistd.h>

namespace headroom::formats {

bool isTerminal(std::FILE* stream) {
  return ::isatty(::fileno(stream)) != 0;
}

}  // namespace headroom::formats
