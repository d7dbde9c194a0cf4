#pragma once

#include <cstdint>
#include <span>

#include "core/model/decoder.h"
#include "core/model/step_record.h"

namespace headroom::reference {

/// Room for what `capture` wants of `count` tokens from `position` on; empty when it wants nothing.
model::AttentionRows rowsFor(const model::Capture& capture, const model::ModelConfig& config, int position,
                             int count);

/// Keeps the attention of one token and head if its layer and head were wanted. `attention` is of the
/// positions from `first` on; before them it is 0.
void keepRow(std::span<const double> attention, std::size_t first, int layer, int head, int token,
             model::AttentionRows& rows);

/// Bytes of the causal rows of one layer as floats, without the zeros above the diagonal.
std::uint64_t capturedBytes(const model::AttentionRows& rows, int layer);

/// Room for the values of `count` tokens from `position` on that `capture` asks for, in its order.
std::vector<model::Activations> activationsFor(const model::Capture& capture,
                                               const model::ModelConfig& config, int position, int count);
/// Where the values of one token go, [columns], for each time that they were asked for.
std::vector<std::span<float>> targetsOf(std::vector<model::Activations>& activations,
                                        model::CapturePoint point, int layer, int token);

}  // namespace headroom::reference
