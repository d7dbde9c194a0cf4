#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/model/decoder.h"

namespace headroom::engine {

/// Why the reference, which this is said of, refuses the naive kernel.
inline constexpr std::string_view kNoKernelsToChoose =
    "has no kernels to choose from; the naive one was asked for";
/// Why a model runs on the float64 reference instead of a Vulkan device, a sentence for people; nothing when
/// the shaders run it. Throws model::Error when `options` ask for what only the shaders do.
std::optional<std::string> referenceNote(const model::ModelConfig& config,
                                         const model::DecoderOptions& options);

}  // namespace headroom::engine
