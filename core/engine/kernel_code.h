#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <vulkan/vulkan.h>

#include "shaders/kernel_params.h"

namespace headroom::engine {

/// Tokens that one workgroup of a projection handles.
enum class TokenTile {
  One,             ///< a single sequence that is decoded
  Several,         ///< a few sequences, or a short text
  Many,            ///< rows family: as a product of matrices
  ManyByMatrices,  ///< the same with cooperative matrices
};
inline constexpr int kTokenTiles = 4;
/// Whether the rows of such a step are multiplied as a matrix.
constexpr bool isMany(TokenTile tile) {
  return tile == TokenTile::Many || tile == TokenTile::ManyByMatrices;
}
/// Of a tile.
constexpr int tokensOf(TokenTile tile) {
  return tile == TokenTile::One       ? 1
         : tile == TokenTile::Several ? HEADROOM_TOKEN_TILE
                                      : HEADROOM_PROJECTION_TILE;
}

/// Which build of the kernels: for use, or the one that counts every byte it loads and stores.
enum class KernelBuild { Plain, Audit };

/// A compiled kernel, and what its code says of itself.
struct KernelCode {
  std::string_view name;
  std::span<const std::uint32_t> words;        ///< SPIR-V
  std::span<const VkDescriptorType> bindings;  ///< kinds of its bindings 0, 1, ...
  std::span<const std::uint32_t> constants;    ///< ids of its specialization constants, ascending
};

/// A kernel by its name in shaders/CMakeLists.txt: "ffn_down_packed_1_plain". Asserts that there is one.
const KernelCode& kernelCode(std::string_view name);

}  // namespace headroom::engine
