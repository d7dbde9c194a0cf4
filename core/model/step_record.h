#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/model/config.h"
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
  double gpuTimeMs = 0.0;  ///< from time stamps (reference decoder: from the clock); 0 where none were asked for
  Traffic issued;
  Traffic logical;
  int dispatchCount = 1;  ///< commands that it took the device
};

struct Candidate {
  int token = 0;
  float probability = 0.0f;  ///< softmax of the raw logits
};

/// One row of a step: a token at a position of a sequence.
struct StepRow {
  int sequence = 0;
  int token = 0;
  int position = 0;

  bool operator==(const StepRow&) const = default;
};

struct TopToken {
  int token = 0;
  float logit = 0.0f;
};

/// What is left of the logits of one row when the whole row is not handed back.
struct LogitsSummary {
  int row = 0;                ///< of StepRecord::rows
  float logSumExp = 0.0f;     ///< log of the sum of all exp(logit): log-probability = logit - logSumExp
  float entropy = 0.0f;       ///< nats
  std::vector<TopToken> top;  ///< the most likely tokens, in the order of mostLikely()
  /// Natural log of the softmax probability of the row's target; nothing when it had none.
  std::optional<float> targetLogProbability;
};

/// Attention probabilities (after softmax) of one sequence's tokens of one step, of every captured layer and
/// head. A row
/// of more positions than the capture asked for is max-pooled: value i stands for the positions
/// i * pooling ... i * pooling + pooling - 1 and is their largest probability.
struct AttentionRows {
  std::vector<int> layers;      ///< captured layers, ascending; empty when nothing was captured
  std::vector<int> queryHeads;  ///< captured query heads, ascending, the same in every layer
  int rowCount = 0;             ///< tokens in the step
  int firstPosition = 0;        ///< position of row 0
  int pooling = 1;              ///< positions per value, a power of two
  int rowStride = 0;            ///< floats per row, >= valueCount(rowCount - 1)
  std::vector<float> values;    ///< [layer index][head index][row][rowStride]

  int queryHeadCount() const { return static_cast<int>(queryHeads.size()); }

  /// Values of one row: its firstPosition + row + 1 positions, `pooling` at a time.
  int valueCount(int row) const { return (firstPosition + row + pooling) / pooling; }

  /// The valueCount(row) probabilities of one row.
  std::span<const float> row(int layerIndex, int headIndex, int row) const {
    const std::size_t start =
        ((static_cast<std::size_t>(layerIndex) * queryHeads.size() + headIndex) * rowCount + row) * rowStride;
    return std::span(values).subspan(start, static_cast<std::size_t>(valueCount(row)));
  }
};

/// Places inside a step whose values can be handed back, and the shape of a row there. Elements of heads are
/// in the order of the model's file.
enum class CapturePoint {
  Residual,        ///< [modelDim] the residual stream before a layer; before layer layerCount: after the last
  Queries,         ///< [queryHead][headDim] after norms and RoPE, as scores are made from them
  Keys,            ///< [kvHead][headDim] as they lie in the cache
  Values,          ///< [kvHead][headDim] as they lie in the cache
  HeadOutputs,     ///< [queryHead][headDim] attention-weighted values before W_O
  SoftmaxExtents,  ///< [queryHead][2] maximum of the scores, and sum of exp(score - maximum)
};

inline constexpr CapturePoint kCapturePoints[] = {CapturePoint::Residual,    CapturePoint::Queries,
                                                  CapturePoint::Keys,        CapturePoint::Values,
                                                  CapturePoint::HeadOutputs, CapturePoint::SoftmaxExtents};

/// The values at one place of one layer, of the rows of a step that were captured.
struct Activations {
  CapturePoint point = CapturePoint::Residual;
  int layer = 0;
  int rowCount = 0;
  int firstPosition = 0;  ///< of row 0; the rows of the sequence follow each other
  int columns = 0;
  std::vector<float> values;  ///< [row][columns]

  std::span<const float> row(int index) const {
    return std::span(values).subspan(static_cast<std::size_t>(index) * static_cast<std::size_t>(columns),
                                     static_cast<std::size_t>(columns));
  }
};

/// Floats of a row at `point`.
int columnsAt(CapturePoint point, const ModelConfig& config);

/// The smallest power of two that puts `positions` into at most `cells` values; 1 when `cells` is 0.
int poolingFor(int positions, int cells);

/// Wall time of a step outside its stages, by the host's clock. With the stages' times it adds up to the
/// step's wall time.
struct Overhead {
  double prepareMs = 0.0;   ///< filling in tokens and positions; making kernels and recording commands once
  double setupMs = 0.0;     ///< of prepareMs: that making and recording
  double submitMs = 0.0;    ///< StepRecord::deviceMs less the stages' own times; all of it where they have none
  double readBackMs = 0.0;  ///< time stamps, logits, attention rows, candidates

  double totalMs() const { return prepareMs + submitMs + readBackMs; }
  Overhead& operator+=(const Overhead& other);
};

/// What one step did: plain values, safe to send across threads and to keep.
struct StepRecord {
  std::vector<int> tokens;    ///< of the sequence of the step's first row: one for decoding, several to fill
  int position = 0;           ///< of the first of them
  std::vector<StepRow> rows;  ///< everything that was fed, in the order asked for
  double wallTimeMs = 0.0;    ///< from call to return
  double deviceMs = 0.0;  ///< from submission until the device was done, by the host's clock; 0 without one
  std::vector<StageRecord> stages;
  Overhead overhead;
  std::uint64_t cacheBytesUsed = 0;
  std::uint64_t cacheBytesAllocated = 0;
  AttentionRows attention;
  std::vector<Activations> activations;  ///< in the order asked for
  /// Most likely next tokens of the sequence of the first row, best first; empty when its last logits were
  /// not asked for as a whole.
  std::vector<Candidate> candidates;
  float nextTokenEntropy = 0.0f;         ///< nats, of the raw next-token distribution
  std::vector<float> logits;             ///< [rows][vocabSize], when those of all rows were asked for
  std::vector<LogitsSummary> summaries;  ///< by row, ascending, when they were asked for

  /// The values at `point` of `layer`, or null when they were not asked for.
  const Activations* find(CapturePoint point, int layer) const;
  Traffic issued() const;
  Traffic logical() const;
  double gpuTimeMs() const;
};

}  // namespace headroom::model
