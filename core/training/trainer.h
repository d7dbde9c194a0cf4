#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "core/model/config.h"
#include "core/training/adamw.h"
#include "core/training/backward_pass.h"

namespace headroom::training {

struct TrainingOptions {
  std::int64_t stepCount = 2600;  ///< updates
  std::int64_t warmupSteps = 100;
  int sequencesPerStep = 4;
  int sequenceLength = 512;  ///< tokens
  float peakLearningRate = 2.5e-3f;
  float clipNorm = 1.0f;  ///< gradients longer than this are scaled down to it
  std::uint64_t seed = 1;
  int threadCount = 0;               ///< 0: one per processor
  std::int64_t evaluateEvery = 200;  ///< steps between looks at the validation text
  std::int64_t checkpointEvery = 100;
};

/// One line of the loss table.
struct TrainingPoint {
  std::int64_t step = 0;               ///< updates done
  double trainingLoss = 0.0;           ///< nats per token, mean since the last point
  double validationBitsPerByte = 0.0;  ///< 0 where it was not looked at
  double gradientNorm = 0.0;           ///< before clipping, of the last step
  double learningRate = 0.0;
};

struct TrainingProgress {
  std::int64_t step = 0;
  std::int64_t stepCount = 0;
  double trainingLoss = 0.0;  ///< of this step, nats per token
  double secondsLeft = 0.0;   ///< from the mean speed of this run
  double tokensPerSecond = 0.0;
  const TrainingPoint* point = nullptr;  ///< set when this step made a line of the loss table
};

/// Text as token ids, with the number of bytes it came from.
struct TokenText {
  std::vector<int> tokens;
  std::uint64_t byteCount = 0;
};

/// Trains a llama model with tied embeddings from scratch. After a kill at any moment, resume() goes on from
/// the last checkpoint and gives the same weights as an unbroken run with the same thread count.
class Trainer {
 public:
  /// Throws model::Error when a text is too short for one sequence.
  Trainer(const model::ModelConfig& config, const TrainingOptions& options, TokenText training,
          TokenText validation);

  /// Takes up the state in `checkpoint` if the file is there; throws model::Error when it belongs to another
  /// shape, option or text. Returns whether it resumed.
  bool resume(const std::filesystem::path& checkpoint);
  /// Runs to the last step, writing `checkpoint` (atomically) on the way; `report` is called after each step.
  /// Returns false when `cancel` became true, after writing the checkpoint.
  bool run(const std::filesystem::path& checkpoint,
           const std::function<void(const TrainingProgress&)>& report, const std::atomic<bool>& cancel);

  /// Bits per byte of the validation text, every token once with at least half a sequence before it (but for
  /// the first ones). `windowLimit` > 0 looks at that many evenly spaced windows only.
  double validationBitsPerByte(int windowLimit = 0);

  const ParameterLayout& layout() const { return m_layout; }
  std::span<const float> parameters() const { return m_parameters; }
  const std::vector<TrainingPoint>& points() const { return m_points; }
  std::int64_t stepsDone() const { return m_step; }

 private:
  std::span<const int> sequence(std::int64_t number) const;
  double accumulate(std::int64_t step);
  void saveCheckpoint(const std::filesystem::path& path);
  std::uint64_t fingerprint() const;

  model::ModelConfig m_config;
  TrainingOptions m_options;
  TokenText m_training;
  TokenText m_validation;
  ParameterLayout m_layout;
  AlignedFloats m_parameters;
  std::vector<AlignedFloats> m_gradients;     ///< one per thread
  std::vector<BackwardPass<float>> m_passes;  ///< one per thread
  AdamW m_optimizer;
  std::int64_t m_step = 0;
  std::vector<TrainingPoint> m_points;
  double m_lossSincePoint = 0.0;
  std::int64_t m_stepsSincePoint = 0;
};

}  // namespace headroom::training
