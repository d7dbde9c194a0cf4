#include "app/cli/commands.h"

int main(int argumentCount, char** arguments) {
  return headroom::cli::runCommandLine(argumentCount, arguments);
}
