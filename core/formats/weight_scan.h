#pragma once

#include <cstdint>

#include "core/model/tensor.h"

namespace headroom::formats {

/// Index of the first element that is NaN or infinite (Q8_0: whose block's scale is), or -1. Runs at the
/// speed of memory.
std::int64_t firstNonFinite(const model::Tensor& tensor);

}  // namespace headroom::formats
