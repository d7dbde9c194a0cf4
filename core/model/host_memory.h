#pragma once

#include <cstdint>
#include <optional>

namespace headroom::model {

/// Bytes of this machine's memory that a program could still take without others being swapped out
/// (MemAvailable of Linux); nothing where the system does not tell.
std::optional<std::uint64_t> freeHostMemory();

}  // namespace headroom::model
