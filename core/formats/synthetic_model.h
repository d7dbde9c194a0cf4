#pragma once

#include "core/model/model.h"

namespace headroom::formats {

/// Whether the output matrix is the embedding.
enum class OutputMatrix { Tied, Separate };

/// A llama model of the shape of `config` with normally distributed weights drawn from `seed`, its matrices
/// stored as `matrices` and its norms as F32; without a tokenizer. What it says means nothing: it is for
/// measuring and for tests. Q8_0 needs columns in multiples of 32.
model::Model syntheticModel(const model::ModelConfig& config, model::Storage matrices, OutputMatrix output,
                            unsigned seed = 1);

}  // namespace headroom::formats
