#include "core/formats/bundled_models.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "core/formats/data_folders.h"
#include "core/model/error.h"

namespace headroom::formats {

const std::vector<std::string>& bundledModels() {
  static const std::vector<std::string> names{"mha", "gqa", "mqa"};
  return names;
}

bool isBundled(const std::string& source) {
  return std::ranges::find(bundledModels(), source) != bundledModels().end();
}

std::string resolveModel(const std::string& source) {
  if (isBundled(source)) return findData(std::filesystem::path("models") / (source + ".gguf")).string();
  std::error_code error;
  if (std::filesystem::exists(source, error)) return source;
  throw model::Error(
      fmt::format("{} does not exist, expected a GGUF file, a Hugging Face folder, or one of {}", source,
                  fmt::join(bundledModels(), ", ")));
}

}  // namespace headroom::formats
