#include "core/formats/load_model.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/formats/gguf/gguf_model.h"
#include "core/formats/gguf/gguf_tokenizer.h"
#include "core/formats/hugging_face/hugging_face_model.h"
#include "core/formats/hugging_face/hugging_face_tokenizer.h"
#include "core/formats/trace/trace_file.h"
#include "core/model/error.h"

namespace headroom::formats {

namespace {

/// Whether it is a folder as Hugging Face publishes models, and otherwise one file of GGUF. Throws for the
/// files that hold no whole model.
bool isFolder(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return true;
  if (!path.ends_with(".safetensors")) return false;
  if (isTrace(path)) {
    throw model::Error(
        fmt::format("{} is a trace, which holds no model; open it as a lane in the window", path));
  }
  throw model::Error(
      fmt::format("{} holds weights alone; open the folder that has its config.json too", path));
}

}  // namespace

model::Model loadModel(const std::string& path, const LoadProgress& progress) {
  return isFolder(path) ? loadHuggingFace(path, progress) : loadGguf(path, progress);
}

std::unique_ptr<model::Tokenizer> loadTokenizer(const std::string& path) {
  if (!isFolder(path)) return loadGgufTokenizer(path);
  auto tokenizer = loadHuggingFaceTokenizer(path, 0);
  if (!tokenizer) throw model::Error(fmt::format("{} has no tokenizer.json", path));
  return tokenizer;
}

}  // namespace headroom::formats
