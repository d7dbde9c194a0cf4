#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace headroom::engine {

/// Tokens that one workgroup of a projection handles: one when decoding a single sequence, a tile otherwise.
enum class TokenTile { One, Several };

/// Which build of the kernels: for use, or the one that counts every byte it loads and stores.
enum class KernelBuild { Plain, Audit };

/// SPIR-V of a kernel by its name in shaders/CMakeLists.txt: "ffn_down_packed_1_plain". Asserts that there is
/// one.
std::span<const std::uint32_t> kernelWords(std::string_view name);

}  // namespace headroom::engine
