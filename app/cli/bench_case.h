#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/analysis/lane_measurement.h"
#include "core/lanes/model_store.h"
#include "core/model/decoder.h"
#include "core/model/stage.h"
#include "core/model/statistics.h"
#include "core/model/step_record.h"

namespace headroom::cli {

/// A model to measure: a file, or a shape with random weights.
struct BenchModel {
  std::string name;  ///< what a lane of the file is called, or "kv_heads=2" for one of a --shape
  lanes::ModelUse use;
  model::KernelPlan kernels = {};  ///< as the opener has them for it, for the report

  const model::Model& model() const { return *use; }
};

/// What one row of the table is measured at.
struct BenchSetting {
  int model = 0;  ///< index of its BenchModel
  int context = 0;
  int batch = 1;
  model::KvType kvType = model::KvType::F32;
  model::AttentionKernel attention = model::AttentionKernel::Shared;

  /// Rows of one group differ in the model only; their first one is what ratios are taken against.
  bool sameGroup(const BenchSetting& other) const {
    return context == other.context && batch == other.batch && kvType == other.kvType &&
           attention == other.attention;
  }
};

using model::Spread;

/// What was measured of one row.
struct BenchRow {
  BenchSetting setting;
  int steps = 0;                              ///< decode steps in each round
  std::vector<analysis::StepSummary> rounds;  ///< whole ones, whose stages were not timed
  std::vector<analysis::StepSummary> timed;   ///< after each of them, a few steps whose stages were
  double firstStepMs = 0.0;                   ///< of the first step ever, apart from the rounds
  /// Norm of the difference from the reference over its norm; nothing where the model is too large for that.
  std::optional<double> logitsError;
  /// What an audit counted of such a step; nothing without one, or when a counter of 32 bits ran over.
  std::optional<model::Traffic> counted;
  /// A step of the row: the bytes of one at its context, and the median of the rounds. Parts are those of
  /// `timed`.
  analysis::LaneMeasurement measurement;
  double readGBps = 0.0;  ///< read ceiling of this run at the measurement's working set; 0 without

  /// Fills in `measurement`, from the rounds and a step at the row's context.
  void measure(const model::ModelConfig& config, const model::DecoderOptions& options,
               const model::StepRecord& atContext);

  /// Wall time of a step, the mean of each round.
  std::vector<double> roundMs() const;
  /// The same of all rounds.
  Spread stepMs() const;
  /// The measurement with the time of a step whose stages were timed: what its parts add up to.
  analysis::LaneMeasurement timedMeasurement() const;
  /// Tokens per second of all sequences together.
  Spread tokensPerSecond() const;
  /// What the measurement's implied GB/s is of the read ceiling; 0 without one.
  double percentOfRead() const;
};

/// Time of the group's first row over this row's, round by round: above 1 it is faster.
Spread speedup(const BenchRow& baseline, const BenchRow& row);

}  // namespace headroom::cli
