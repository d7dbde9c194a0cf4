#pragma once

#include <optional>
#include <string>

#include "core/model/decoder.h"

namespace headroom::engine {

/// Why a model runs on the float64 reference instead of a Vulkan device, a sentence for people; nothing when
/// the shaders run it. Throws model::Error when `options` ask for what only the shaders do.
std::optional<std::string> referenceNote(const model::ModelConfig& config,
                                         const model::DecoderOptions& options);

}  // namespace headroom::engine
