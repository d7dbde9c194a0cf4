#pragma once

#include "core/model/model.h"

namespace headroom::formats {

/// Whether the output matrix is the embedding.
enum class OutputMatrix { Tied, Separate };
/// Whether every layer holds weights of its own, or all the same ones, which takes one layer's memory and
/// time. On a device each layer has its own copy either way.
enum class LayerWeightsKind { Own, Alike };

/// A llama model of the shape of `config` with normally distributed weights drawn from `seed`, its matrices
/// stored as `matrices`, one of those with kernels, and its norms as F32; without a tokenizer. Integers of
/// Q4_0 and the K formats are random bits. What it says means nothing: it is for measuring and for tests.
/// Columns must be whole blocks.
model::Model syntheticModel(const model::ModelConfig& config, model::Storage matrices, OutputMatrix output,
                            unsigned seed = 1, LayerWeightsKind layers = LayerWeightsKind::Own);

}  // namespace headroom::formats
