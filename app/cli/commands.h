#pragma once

#include <memory>
#include <vector>

#include "app/cli/command.h"

namespace headroom::cli {

// One function per command, each in a file of its own named after it.
std::unique_ptr<Command> registerDevicesCommand(CLI::App& app, const GlobalOptions& global);
std::unique_ptr<Command> registerInfoCommand(CLI::App& app, const GlobalOptions& global);
std::unique_ptr<Command> registerTokenizeCommand(CLI::App& app, const GlobalOptions& global);
std::unique_ptr<Command> registerDecodeCommand(CLI::App& app, const GlobalOptions& global);
std::unique_ptr<Command> registerLogitsCommand(CLI::App& app, const GlobalOptions& global);
std::unique_ptr<Command> registerAttentionCommand(CLI::App& app, const GlobalOptions& global);
std::unique_ptr<Command> registerHeadsCommand(CLI::App& app, const GlobalOptions& global);
std::unique_ptr<Command> registerAblateCommand(CLI::App& app, const GlobalOptions& global);
std::unique_ptr<Command> registerLensCommand(CLI::App& app, const GlobalOptions& global);
std::unique_ptr<Command> registerPatchCommand(CLI::App& app, const GlobalOptions& global);
std::unique_ptr<Command> registerBenchCommand(CLI::App& app, const GlobalOptions& global);
/// Null in a build without Qt, which paints the figures.
std::unique_ptr<Command> registerExportCommand(CLI::App& app, const GlobalOptions& global);
std::unique_ptr<Command> registerTrainCommand(CLI::App& app, const GlobalOptions& global);

/// Every command of headroom-cli, in the order of the help text. A new command adds its line here.
std::vector<std::unique_ptr<Command>> registerCommands(CLI::App& app, const GlobalOptions& global);

/// The whole program: parses, runs, prints errors. The exit code is 0 done, 1 failed, 2 wrong usage.
int runCommandLine(int argumentCount, char** arguments);

}  // namespace headroom::cli
