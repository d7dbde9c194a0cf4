#pragma once

#include <vector>

#include "core/analysis/lane_measurement.h"
#include "core/model/device_ceilings.h"

namespace headroom::test {

/// A device whose caches are read at 100 GB/s up to 10 MB and whose memory is read at 20 GB/s from 100 MB on;
/// 1,000 GFLOP/s; 10 us per dispatch.
inline model::DeviceCeilings ceilings() {
  return {.device = "synthetic",
          .driver = "1",
          .date = "2026-11-22 09:30",
          .copy = {{1'000'000, 50.0}, {1'000'000'000, 10.0}},
          .read = {{1'000'000, 100.0}, {10'000'000, 100.0}, {100'000'000, 20.0}, {1'000'000'000, 20.0}},
          .fmaGflops = 1000.0,
          .emptyDispatchUs = 10.0};
}

/// 4 layers of 8 query heads x 32, d 256, f 384, vocabulary 2,048.
inline model::ModelConfig config(int kvHeads) {
  model::ModelConfig config;
  config.name = "synthetic";
  config.layerCount = 4;
  config.modelDim = 256;
  config.ffnDim = 384;
  config.vocabSize = 2048;
  config.contextLength = 512;
  config.attention = {8, kvHeads, 32};
  return config;
}

/// How a synthetic lane spends its time, in ms per step: `fixed` in the overhead, `weights` spread over the
/// stages that read weights, `attention` + `perPosition` x positions in attention, all layers together.
struct Costs {
  double fixed = 0.1;
  double weights = 1.0;
  double attention = 0.04;
  double perPosition = 0.001;
  std::uint64_t weightBytes = 10'000'000;
  std::uint64_t kvBytesPerPosition = 8192;  ///< of all sequences
  int reuse = 1;                            ///< issued over logical KV reads
};

inline model::StepRecord step(const Costs& costs, int position) {
  using model::Stage;
  const int positions = position + 1;
  model::StepRecord record;
  record.tokens = {1};
  record.position = position;
  record.overhead.submitMs = costs.fixed;
  const std::uint64_t kv = costs.kvBytesPerPosition * static_cast<std::uint64_t>(positions);
  for (int layer = 0; layer < 4; ++layer) {
    for (const Stage stage : {Stage::QkvProjection, Stage::AttentionDecode, Stage::AttentionOutput,
                              Stage::FfnGateUp, Stage::FfnDown}) {
      model::StageRecord part{.stage = stage, .layer = layer};
      if (stage == Stage::AttentionDecode) {
        part.gpuTimeMs = (costs.attention + costs.perPosition * positions) / 4.0;
        part.logical.kvRead = kv / 4;
        part.issued.kvRead = part.logical.kvRead * static_cast<std::uint64_t>(costs.reuse);
      } else {
        part.gpuTimeMs = costs.weights / 16.0;
        part.issued.weightsRead = part.logical.weightsRead = costs.weightBytes / 16;
      }
      record.stages.push_back(part);
    }
  }
  record.wallTimeMs = record.gpuTimeMs() + costs.fixed;
  return record;
}

/// Steps at the positions from `first` to `last`.
inline std::vector<model::StepRecord> steps(const Costs& costs, int first, int last) {
  std::vector<model::StepRecord> records;
  for (int position = first; position <= last; ++position) records.push_back(step(costs, position));
  return records;
}

inline analysis::LaneMeasurement lane(int kvHeads, const Costs& costs, int first, int last,
                                      model::DecoderOptions options = {}) {
  return analysis::measureLane(config(kvHeads), options, steps(costs, first, last));
}

}  // namespace headroom::test
