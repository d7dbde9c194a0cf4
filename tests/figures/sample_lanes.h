#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "app/figures/lane_figures.h"
#include "core/analysis/speed_map.h"

namespace headroom::tests {

/// Lanes of 2 layers, 8 query heads of 16 and a context of 100, with a step of known costs behind 40
/// positions.
inline figures::FigureLane sampleLane(const std::string& title, int kvHeads, int place) {
  model::ModelConfig config;
  config.name = title + " model";
  config.architecture = "llama";
  config.layerCount = 2;
  config.modelDim = 128;
  config.ffnDim = 256;
  config.vocabSize = 300;
  config.contextLength = 100;
  config.attention = {8, kvHeads, 16};
  figures::FigureLane lane{.title = title,
                           .color = analysis::kLaneColorsOnLight[static_cast<std::size_t>(place)],
                           .config = config,
                           .options = {.kvType = model::KvType::F16, .contextLength = 100},
                           .contextLength = 100,
                           .device = "a device of the test",
                           .note = "",
                           .parameterCount = 300'000};
  // 2 x 2 layers x KV heads x 16 x 2 bytes.
  const std::uint64_t perToken = 128ull * static_cast<std::uint64_t>(kvHeads);
  lane.cache = {{30, 30 * perToken}, {35, 35 * perToken}, {40, 40 * perToken}};
  for (int position = 30; position < 40; ++position) {
    lane.traffic.push_back({position, 500'000 + static_cast<std::uint64_t>(position) * perToken});
  }
  lane.measurement = {.config = config, .options = lane.options, .stepCount = 10, .positions = 40};
  lane.measurement.stageMs = {0.01, 0.5, 0.25 * kvHeads, 0.3, 0.6, 0.4, 0.2};
  lane.measurement.overhead = {.prepareMs = 0.1, .submitMs = 0.2, .readBackMs = 0.1};
  lane.measurement.stepMs = lane.measurement.stagesMs() + 0.4;
  lane.measurement.stageIssuedBytes = {1'000, 200'000, 40 * perToken, 100'000, 300'000, 150'000, 150'000};
  lane.measurement.issued.weightsRead = 900'000;
  return lane;
}

inline std::vector<figures::FigureLane> sampleLanes() {
  return {sampleLane("MHA", 8, 0), sampleLane("GQA", 2, 1), sampleLane("MQA", 1, 2)};
}

inline model::DeviceCeilings sampleCeilings() {
  return {.device = "a device of the test",
          .driver = "1",
          .date = "2026-11-01 10:00",
          .copy = {{1 << 18, 60.0}, {1 << 28, 15.0}},
          .read = {{1 << 18, 80.0}, {1 << 28, 20.0}},
          .fmaGflops = 60.0,
          .emptyDispatchUs = 5.0};
}

/// Two layouts at three contexts and two batches, three rounds each: MHA 2 + 0.01 T ms, MQA 2 + 0.002 T ms.
inline analysis::SpeedMap sampleSweep() {
  analysis::SpeedMap map{.device = "a device of the test", .date = "2026-11-26 12:34", .curves = {}};
  map.isComplete = true;
  for (const auto& [name, kvHeads, perPosition] : {std::tuple{"MHA", 8, 0.01}, std::tuple{"MQA", 1, 0.002}}) {
    analysis::SpeedCurve curve{.name = name, .source = name, .attention = {8, kvHeads, 16}};
    for (const auto& [batch, positions] : {std::pair{1, 0}, {1, 200}, {1, 400}, {4, 400}}) {
      const double ms = 2.0 + perPosition * positions * batch;
      curve.points.push_back({.at = {batch, positions}, .roundMs = {ms - 0.125, ms, ms + 0.25}});
    }
    map.curves.push_back(std::move(curve));
  }
  return map;
}

}  // namespace headroom::tests
