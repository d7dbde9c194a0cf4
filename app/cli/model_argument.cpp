#include "app/cli/model_argument.h"

namespace headroom::cli {

CLI::Option* addModel(CLI::App& app, std::string& argument) {
  return app.add_option("MODEL", argument, "GGUF file, Hugging Face folder, or mha, gqa, mqa")->required();
}

CLI::Option* addModels(CLI::App& app, std::vector<std::string>& arguments) {
  return app.add_option("MODEL", arguments, "GGUF files, Hugging Face folders, or mha, gqa, mqa");
}

}  // namespace headroom::cli
