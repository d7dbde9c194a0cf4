#include "app/cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <new>
#include <system_error>

#include "app/cli/output_argument.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

/// One line on stderr, whatever the message holds.
void printError(std::string sentence) {
  std::replace(sentence.begin(), sentence.end(), '\n', ' ');
  fmt::print(stderr, "headroom-cli: {}\n", sentence);
}

int parseAndRun(CLI::App& app, const std::vector<std::unique_ptr<Command>>& commands, int argumentCount,
                char** arguments) {
  try {
    app.parse(argumentCount, arguments);
    for (const auto& command : commands) {
      if (command->isChosen()) command->run();
    }
    return kDone;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::Error& usage) {
    printError(usage.what());
    return kWrongUsage;
  }
}
}  // namespace

std::vector<std::unique_ptr<Command>> registerCommands(CLI::App& app, const GlobalOptions& global) {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(registerDevicesCommand(app, global));
  commands.push_back(registerInfoCommand(app, global));
  commands.push_back(registerTokenizeCommand(app, global));
  commands.push_back(registerDecodeCommand(app, global));
  commands.push_back(registerLogitsCommand(app, global));
  commands.push_back(registerAttentionCommand(app, global));
  commands.push_back(registerHeadsCommand(app, global));
  commands.push_back(registerAblateCommand(app, global));
  commands.push_back(registerLensCommand(app, global));
  commands.push_back(registerPatchCommand(app, global));
  if (auto command = registerExportCommand(app, global)) commands.push_back(std::move(command));
  commands.push_back(registerBenchCommand(app, global));
  commands.push_back(registerTrainCommand(app, global));
  return commands;
}

int runCommandLine(int argumentCount, char** arguments) {
  // A reader that went away and a file at its limit are errors like any other, not a silent end.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App app(
      "Decode with multi-head, grouped-query and multi-query attention, and measure what sharing saves");
  app.name("headroom-cli");
  app.require_subcommand(1);
  app.set_version_flag("--version", "headroom-cli " HEADROOM_VERSION, "Print the version");
  app.fallthrough();  // --json and --device may follow the command
  GlobalOptions global;
  app.add_flag("--json", global.json, "Print one JSON document");
  app.add_option("--device", global.device, "Vulkan device, by number or part of its name");
  try {
    const auto commands = registerCommands(app, global);
    const int code = parseAndRun(app, commands, argumentCount, arguments);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw brokenOutput();
    return code;
  } catch (const std::bad_alloc&) {
    printError(model::sentenceOf(std::current_exception()));
  } catch (const std::system_error& error) {
    printError(std::ferror(stdout) != 0 ? brokenOutput().what() : error.what());
  } catch (const std::exception& error) {
    printError(error.what());
  }
  return kFailed;
}

}  // namespace headroom::cli
