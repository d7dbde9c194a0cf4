#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "core/formats/hugging_face/hugging_face_config.h"
#include "core/formats/hugging_face/hugging_face_names.h"
#include "core/formats/hugging_face/safetensors_file.h"
#include "core/formats/model_builder.h"

namespace headroom::formats {

/// Memory of tensors that cannot stay as they lie in a file.
using OwnedTensors = std::deque<std::vector<std::byte>>;

/// The tensors of all files by GGUF name, in GGUF's layout but for the order within heads, which stays
/// Hugging Face's. What lies right is a view into the files; what does not is made anew in `owned`: GPT-2's
/// matrices, which lie transposed, Gemma's norms, which lack 1, and queries, keys and values that are
/// interleaved by head. `names` learns what each is called in the folder. Throws model::Error for duplicate,
/// unknown and quantised tensors.
TensorDirectory listHuggingFaceTensors(const HuggingFaceConfig& config,
                                       const std::vector<SafetensorsFile>& files, FolderNames& names,
                                       OwnedTensors& owned);

}  // namespace headroom::formats
