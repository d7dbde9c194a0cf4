#pragma once

#include <string>

#include "core/formats/load_progress.h"
#include "core/model/model.h"

namespace headroom::formats {

/// Opens a Hugging Face folder: config.json, model.safetensors or the files that model.safetensors.index.json
/// names, tokenizer.json and generation_config.json. Weights stay in the mapped files but for those that lie
/// otherwise than the decoders read them (hugging_face_tensors.h). Attention heads are counted from the
/// tensors' shapes; what config.json says otherwise is named in Model::contradictions. Throws model::Error,
/// one sentence that begins with the path of the file at fault, for anything that would not be computed
/// exactly.
model::Model loadHuggingFace(const std::string& folder, const LoadProgress& progress = {});

}  // namespace headroom::formats
