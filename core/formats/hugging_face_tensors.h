#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/hugging_face_config.h"
#include "core/formats/model_builder.h"
#include "core/formats/safetensors_file.h"

namespace headroom::formats {

/// Memory of tensors that cannot stay as they lie in a file.
using OwnedTensors = std::deque<std::vector<std::byte>>;

/// The GGUF name of a tensor of a Hugging Face checkpoint ("model.layers.0.self_attn.q_proj.weight" is
/// "blk.0.attn_q.weight"); an empty one for tensors that are no weights, such as causal masks; nothing for
/// names that no family has.
std::optional<std::string> ggufNameOf(std::string_view name, std::string_view modelType);

/// The tensors of all files by GGUF name, in GGUF's layout but for the order within heads, which stays
/// Hugging Face's. What lies right is a view into the files; what does not is made anew in `owned`: GPT-2's
/// matrices, which lie transposed, Gemma's norms, which lack 1, and queries, keys and values that are
/// interleaved by head. Throws model::Error for duplicate, unknown and quantised tensors.
TensorDirectory listHuggingFaceTensors(const HuggingFaceConfig& config,
                                       const std::vector<SafetensorsFile>& files, OwnedTensors& owned);

}  // namespace headroom::formats
