#pragma once

#include <cstdint>

#include "core/model/tensor.h"

namespace headroom::formats {

/// Index of the first element that is NaN or infinite, or -1; of storages with blocks, of the first element
/// of the block whose scale is. Runs at the speed of memory.
std::int64_t firstNonFinite(const model::Tensor& tensor);

}  // namespace headroom::formats
