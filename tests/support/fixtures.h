#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/model/statistics.h"

/// Answers from software that this project did not write: llama.cpp and transformers. Their files are not in
/// the repository; CONTRIBUTING.md says where they are looked for.
namespace headroom::tests {

/// Relative error ||a - b|| / ||b|| that a decoder may have against llama.cpp's logits. For F16 and Q8_0 that
/// software rounds activations, so these bounds say nothing about this project's own accuracy.
inline constexpr double kF32LogitsLimit = 2e-5;
inline constexpr double kF16LogitsLimit = 1e-2;
inline constexpr double kQ8LogitsLimit = 3e-2;
/// ... and against the project's own reference on the same weights, with an f32 and an f16 cache.
inline constexpr double kReferenceF32CacheLimit = 2e-5;
inline constexpr double kReferenceF16CacheLimit = 2e-3;
/// ... with ggml's GELU table, which jumps by 5e-4 of a value where that falls beside a rounding step: a few
/// in ten thousand values do in float32 and do not in float64.
inline constexpr double kGeluTableLimit = 1e-4;
/// |1 - sum| of an attention row.
inline constexpr double kRowSumLimit = 1e-5;

inline std::string fixturePath(const std::string& name) {
  const char* chosen = std::getenv("HEADROOM_FIXTURES");
  const std::filesystem::path folder =
      chosen ? std::filesystem::path(chosen)
             : std::filesystem::path(HEADROOM_SOURCE_DIR).parent_path() / "shared" / "fixtures";
  const std::filesystem::path path = folder / name;
  if (!std::filesystem::exists(path)) {
    throw std::runtime_error(
        "Fixture " + path.string() +
        " is missing: put the fixtures folder at ../shared/fixtures or set HEADROOM_FIXTURES");
  }
  return path.string();
}

inline std::string readText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("Cannot read " + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Whitespace-separated ids.
inline std::vector<int> readIds(const std::string& text) {
  std::vector<int> ids;
  std::istringstream stream(text);
  for (int id; stream >> id;) ids.push_back(id);
  return ids;
}

using model::relativeError;

}  // namespace headroom::tests
