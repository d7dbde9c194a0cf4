#include "core/formats/load_model.h"

#include <filesystem>

#include "core/formats/gguf_model.h"
#include "core/formats/hugging_face_model.h"

namespace headroom::formats {

model::Model loadModel(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) ? loadHuggingFace(path) : loadGguf(path);
}

}  // namespace headroom::formats
