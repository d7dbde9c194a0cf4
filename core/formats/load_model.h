#pragma once

#include <string>

#include "core/model/model.h"

namespace headroom::formats {

/// Opens a GGUF file, one part of a split one, or a Hugging Face folder. Throws model::Error as loadGguf and
/// loadHuggingFace do.
model::Model loadModel(const std::string& path);

}  // namespace headroom::formats
