#include "app/cli/commands.h"

namespace headroom::cli {

std::unique_ptr<Command> registerExportCommand(CLI::App&, const GlobalOptions&) {
  return nullptr;
}

}  // namespace headroom::cli
