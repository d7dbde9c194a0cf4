#pragma once

#include <cstdint>
#include <string>

namespace headroom::model {

/// Device memory of a decoder, in bytes, computed before anything is allocated.
struct MemoryNeed {
  std::uint64_t weights = 0;  ///< matrices and vectors as the device keeps them
  std::uint64_t cache = 0;    ///< keys and values of every position of the context
  std::uint64_t working = 0;  ///< activations, logits, captured attention, tables
  std::string storage;        ///< how most of the weights are kept: "F16", "Q4_K widened to F32"

  std::uint64_t total() const { return weights + cache + working; }
};

}  // namespace headroom::model
