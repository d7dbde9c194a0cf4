#pragma once

#include <string>

#include "core/formats/load_progress.h"
#include "core/model/model.h"

namespace headroom::formats {

/// Opens a GGUF file of architecture llama with F32, F16 or Q8_0 weights. The weights stay in the mapped
/// file. Attention heads are counted from the tensors' shapes; metadata that disagrees is named in
/// Model::contradictions, or refused where the shapes alone leave a choice. Throws model::Error, one sentence
/// that begins with the path, for anything that would not be computed exactly as the file means it: other
/// architectures and storages, RoPE scaling, biases, experts, missing or surplus tensors, NaN or infinite
/// weights.
model::Model loadGguf(const std::string& path, const LoadProgress& progress = {});

}  // namespace headroom::formats
