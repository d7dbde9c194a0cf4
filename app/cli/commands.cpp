#include "app/cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <new>

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
  commands.push_back(registerBenchCommand(app, global));
  commands.push_back(registerTrainCommand(app, global));
  return commands;
}

int runCommandLine(int argumentCount, char** arguments) {
  CLI::App app(
      "Decode with multi-head, grouped-query and multi-query attention, and measure what sharing saves");
  app.name("headroom-cli");
  app.require_subcommand(1);
  app.fallthrough();  // --json and --device may follow the command
  GlobalOptions global;
  app.add_flag("--json", global.json, "Print one JSON document");
  app.add_option("--device", global.device, "Vulkan device, by number or part of its name");
  try {
    const auto commands = registerCommands(app, global);
    return parseAndRun(app, commands, argumentCount, arguments);
  } catch (const std::bad_alloc&) {
    printError("Out of memory: the model, its cache or what is captured does not fit");
  } catch (const std::exception& error) {
    printError(error.what());
  }
  return kFailed;
}

}  // namespace headroom::cli
