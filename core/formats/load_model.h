#pragma once

#include <memory>
#include <string>

#include "core/formats/load_progress.h"
#include "core/model/model.h"
#include "core/model/tokenizer.h"

namespace headroom::formats {

/// Opens a GGUF file, one part of a split one, or a Hugging Face folder. Throws model::Error as loadGguf and
/// loadHuggingFace do.
model::Model loadModel(const std::string& path, const LoadProgress& progress = {});

/// The tokenizer alone of what loadModel opens, also of a GGUF file of an unknown architecture or without
/// weights. Throws model::Error when there is none.
std::unique_ptr<model::Tokenizer> loadTokenizer(const std::string& path);

}  // namespace headroom::formats
