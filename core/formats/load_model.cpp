#include "core/formats/load_model.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/formats/gguf/gguf_model.h"
#include "core/formats/hugging_face/hugging_face_model.h"
#include "core/formats/trace/trace_file.h"
#include "core/model/error.h"

namespace headroom::formats {

model::Model loadModel(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return loadHuggingFace(path);
  if (path.ends_with(".safetensors")) {
    if (isTrace(path)) {
      throw model::Error(
          fmt::format("{} is a trace, which holds no model; open it as a lane in the window", path));
    }
    throw model::Error(
        fmt::format("{} holds weights alone; open the folder that has its config.json too", path));
  }
  return loadGguf(path);
}

}  // namespace headroom::formats
