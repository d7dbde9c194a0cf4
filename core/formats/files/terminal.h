#pragma once

#include <cstdio>

namespace headroom::formats {

/// Whether a person watches `stream`: it is a terminal, not a file or a pipe.
bool isTerminal(std::FILE* stream);

}  // namespace headroom::formats
