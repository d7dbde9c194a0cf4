#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace headroom::engine {

/// What a part of the context knows of its softmax.
struct SoftmaxExtent {
  float maximum = -std::numeric_limits<float>::infinity();
  double sum = 0.0;  ///< of exp(score - maximum)
};

/// That of all chunks together, of which `chunk(i)` is one; a chunk without keys has a sum of 0.
template <typename ChunkOf>
SoftmaxExtent mergedExtent(std::size_t chunks, const ChunkOf& chunk) {
  SoftmaxExtent merged;
  for (std::size_t i = 0; i < chunks; ++i) merged.maximum = std::max(merged.maximum, chunk(i).maximum);
  for (std::size_t i = 0; i < chunks; ++i) {
    const SoftmaxExtent part = chunk(i);
    if (part.sum > 0.0) merged.sum += part.sum * std::exp(static_cast<double>(part.maximum) - merged.maximum);
  }
  return merged;
}

}  // namespace headroom::engine
