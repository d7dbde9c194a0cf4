#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/model/stage.h"

namespace headroom::model {

/// Bytes by class. Used twice, never mixed: issued (what the kernels load and store) and logical (each datum
/// once).
struct Traffic {
  std::uint64_t weightsRead = 0;
  std::uint64_t kvRead = 0;
  std::uint64_t kvWritten = 0;
  std::uint64_t activationsRead = 0;
  std::uint64_t activationsWritten = 0;
  std::uint64_t captureWritten = 0;

  std::uint64_t total() const {
    return weightsRead + kvRead + kvWritten + activationsRead + activationsWritten + captureWritten;
  }
  Traffic& operator+=(const Traffic& other);
  bool operator==(const Traffic&) const = default;
};

/// One dispatch of a step.
struct StageRecord {
  Stage stage = Stage::Embedding;
  int layer = -1;          ///< -1 for Embedding and Logits
  double gpuTimeMs = 0.0;  ///< from time stamps (reference decoder: from the clock)
  Traffic issued;
  Traffic logical;
};

struct Candidate {
  int token = 0;
  float probability = 0.0f;  ///< softmax of the raw logits
};

/// Attention probabilities (after softmax) of the tokens of one step, of every captured layer and head.
struct AttentionRows {
  std::vector<int> layers;      ///< captured layers, ascending; empty when nothing was captured
  std::vector<int> queryHeads;  ///< captured query heads, ascending, the same in every layer
  int rowCount = 0;             ///< tokens in the step
  int firstPosition = 0;        ///< position of row 0
  int rowStride = 0;            ///< floats per row, >= firstPosition + rowCount
  std::vector<float> values;    ///< [layer index][head index][row][rowStride]

  int queryHeadCount() const { return static_cast<int>(queryHeads.size()); }

  /// The firstPosition + row + 1 probabilities of one row.
  std::span<const float> row(int layerIndex, int headIndex, int row) const {
    const std::size_t start =
        ((static_cast<std::size_t>(layerIndex) * queryHeads.size() + headIndex) * rowCount + row) * rowStride;
    return std::span(values).subspan(start, static_cast<std::size_t>(firstPosition) + row + 1);
  }
};

/// What one step did: plain values, safe to send across threads and to keep.
struct StepRecord {
  std::vector<int> tokens;  ///< fed in this step, one for decoding, several for a block of a prefill
  int position = 0;         ///< of the first token
  double wallTimeMs = 0.0;  ///< from call to return
  std::vector<StageRecord> stages;
  std::uint64_t cacheBytesUsed = 0;
  std::uint64_t cacheBytesAllocated = 0;
  AttentionRows attention;
  std::vector<Candidate> candidates;  ///< most likely next tokens, best first
  float nextTokenEntropy = 0.0f;      ///< nats, of the raw next-token distribution

  Traffic issued() const;
  Traffic logical() const;
  double gpuTimeMs() const;
};

}  // namespace headroom::model
