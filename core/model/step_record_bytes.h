#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/model/step_record.h"

namespace headroom::model {

/// The version that stepRecordBytes() writes; readStepRecord() reads it and every older one.
inline constexpr int kStepRecordVersion = 2;

/// A record as bytes that mean the same on every machine: "headstep", the version (u32), how many bytes
/// follow (u64), then the fields of version 1 in the order in which step_record.h declares them, then those
/// of version 2 (rows, activations, summaries). Numbers are little-endian: int and enumerations i32, counts
/// of bytes u64, float f32, double f64; a vector is its length (u32) and its elements, what may be missing an
/// i32 0, or 1 and itself. Whole rows of logits are not in it.
std::vector<std::byte> stepRecordBytes(const StepRecord& record);

/// The record of such bytes, no more and no less of them. Fields that its version did not have are as in a
/// new StepRecord. Throws Error, one sentence with expected and actual values, when the bytes are cut or
/// continue, are of a newer version, or hold what no step can have done: numbers that are not finite or out
/// of range, or attention of another size than its layers, heads and rows make (but it may be left out
/// altogether, as where a trace dropped it).
StepRecord readStepRecord(std::span<const std::byte> bytes);

}  // namespace headroom::model
