#include "app/cli/progress_line.h"

#include <fmt/format.h>

#include <cstdio>

#include "core/formats/files/terminal.h"

namespace headroom::cli {

ProgressLine::ProgressLine() : m_onTerminal(formats::isTerminal(stderr)) {}

void ProgressLine::show(std::string_view text) const {
  if (m_onTerminal) fmt::print(stderr, "\r\033[K{}", text);
}

}  // namespace headroom::cli
