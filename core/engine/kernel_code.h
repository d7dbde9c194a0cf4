#pragma once

#include <cstdint>
#include <span>

#include "core/model/config.h"

namespace headroom::engine {

/// Tokens that one workgroup of a projection handles: one when decoding a single sequence, a tile otherwise.
enum class TokenTile { One, Several };

/// SPIR-V of the kernels, as built from shaders/.
namespace kernel_code {
std::span<const std::uint32_t> embedding();
std::span<const std::uint32_t> qkvProjection(TokenTile tile, model::KvType kvType);
/// For a workgroup of `groupHeads` query heads.
std::span<const std::uint32_t> attentionDecode(int groupHeads);
std::span<const std::uint32_t> attentionOutput(TokenTile tile);
std::span<const std::uint32_t> ffnGateUp(TokenTile tile);
std::span<const std::uint32_t> ffnDown(TokenTile tile);
std::span<const std::uint32_t> logits(TokenTile tile);
}  // namespace kernel_code

}  // namespace headroom::engine
