#pragma once

#include <cstdint>
#include <string>

namespace headroom::model {

/// Device memory of a model, of a decoder, or of both, in bytes, computed before anything is allocated.
struct MemoryNeed {
  std::uint64_t weights = 0;  ///< matrices and vectors as the device keeps them; 0 for a decoder alone
  std::uint64_t cache = 0;    ///< keys and values of every position of the context; 0 for a model alone
  std::uint64_t working = 0;  ///< activations, logits, captured attention, tables
  std::string storage;        ///< how most of the weights are kept: "F16", "Q4_K widened to F32"

  std::uint64_t total() const { return weights + cache + working; }
};

/// Of both together; how weights are kept is said by the one that has some.
inline MemoryNeed operator+(const MemoryNeed& a, const MemoryNeed& b) {
  return {.weights = a.weights + b.weights,
          .cache = a.cache + b.cache,
          .working = a.working + b.working,
          .storage = a.storage.empty() ? b.storage : a.storage};
}

}  // namespace headroom::model
