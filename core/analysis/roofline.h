#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "core/analysis/lane_measurement.h"
#include "core/model/config.h"
#include "core/model/device_ceilings.h"

namespace headroom::analysis {

/// What one decode step works on: `batch` sequences of one new token each, which sees `positions` positions
/// (the cached ones and itself).
struct StepExtent {
  int batch = 1;
  double positions = 1.0;
};

/// Positions that one step behind `positions` looks at, of all layers together: windows see less.
double seenPositions(const model::ModelConfig& config, double positions);

/// Floating-point operations of one stage in one decode step, layers added up; a multiply-add counts 2. With
/// d model width, H query heads, G KV heads, h head dimension, f feed-forward width, V vocabulary, L layers,
/// B sequences, T positions:
///   QkvProjection    B L 2 d (H + 2 G) h
///   AttentionDecode  B L 4 H h T           (scores 2, weighted values 2; the same for every G)
///   AttentionOutput  B L 2 H h d
///   FfnGateUp        B L 4 d f
///   FfnDown          B L 2 f d
///   Logits           B 2 d V
/// Embedding only copies: 0. Norms, RoPE, softmax and residuals are left out: below 1 % of a step.
double stageFlops(const model::ModelConfig& config, model::Stage stage, StepExtent extent);

/// One stage of a lane in the roofline diagram.
struct RooflinePoint {
  model::Stage stage = model::Stage::Embedding;
  double flops = 0.0;         ///< computed: stageFlops
  double issuedBytes = 0.0;   ///< counted
  double milliseconds = 0.0;  ///< measured

  /// FLOPs per issued byte: the kernel's own intensity. A kernel that reloads keys and values has less of it.
  double intensity() const { return issuedBytes > 0.0 ? flops / issuedBytes : 0.0; }
  double gigaflopsPerSecond() const { return gigaPerSecond(flops, milliseconds); }
  /// Issued bytes over time.
  double gigabytesPerSecond() const { return gigaPerSecond(issuedBytes, milliseconds); }
};

/// The points of the stages that compute (all but Embedding) and were measured.
std::vector<RooflinePoint> rooflinePoints(const LaneMeasurement& lane);

/// What a roofline diagram shows of both its logarithmic axes.
struct RooflineRange {
  double left = 0.1;  ///< FLOPs per issued byte
  double right = 10.0;
  double bottom = 1.0;  ///< GFLOP/s
  double top = 10.0;
};
/// Holds all points and, where the ceilings are known, the ridge of memory, where arithmetic takes over.
RooflineRange rooflineRange(std::span<const RooflinePoint> points, const model::DeviceCeilings& ceilings);

/// A line of the diagram that no stage can lie above.
struct Roof {
  std::string name;                 ///< "memory 15.4 GB/s"
  double gigabytesPerSecond = 0.0;  ///< 0: of arithmetic alone
};
/// Memory, the caches where they are worth a line of their own, and arithmetic; nothing where the ceilings
/// are not known.
std::vector<Roof> roofs(const model::DeviceCeilings& ceilings);

/// GFLOP/s that `intensity` allows at most under a bandwidth in GB/s and the FMA ceiling.
double attainableGflops(double intensity, double gigabytesPerSecond, double fmaGflops);

}  // namespace headroom::analysis
