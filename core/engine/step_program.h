#pragma once

#include <utility>
#include <vector>

#include "core/engine/stage_dispatcher.h"
#include "core/model/stage.h"
#include "core/model/step_record.h"
#include "core/vulkan/recorder.h"

namespace headroom::engine {

/// The forward pass of a step of one form, recorded once and run as often as needed: positions, tokens and
/// lengths lie in StepBuffers::params.
class StepProgram {
 public:
  struct RecordedStage {
    model::Stage stage;
    int layer;  ///< -1 for Embedding and Logits
    int firstDispatch;
    int dispatchCount;
  };

  StepProgram(vulkan::Device& device, const StepResources& resources, const StepForm& form,
              vulkan::Workgroups workgroups = vulkan::Workgroups::AsAsked);

  void run() { m_recorder.run(); }
  /// Runs a form that advances `count` times, behind `first`, and waits once.
  void run(vulkan::Recorder& first, int count) { m_recorder.runRepeatedly(first, count); }
  /// In the order of execution.
  const std::vector<RecordedStage>& stages() const { return m_stages; }
  /// Milliseconds of each stage in the last run; zeros where the form does not ask for them.
  std::vector<double> stageTimesMs() const;

  /// The stages of a step, each with its layer (-1 for Embedding and Logits), in the order of execution.
  static std::vector<std::pair<model::Stage, int>> stageOrder(const StepShape& shape, const StepForm& form);
  /// Dispatches of a step.
  static int dispatchTotal(const StepShape& shape, const DeviceWeights& weights, const StepForm& form);

 private:
  vulkan::Recorder m_recorder;
  std::vector<RecordedStage> m_stages;
};

/// Adds what the kernels of `stages` counted since the counters were cleared to `counted`, one entry per
/// stage.
void addAudit(const vulkan::Buffer& counters, const std::vector<StepProgram::RecordedStage>& stages,
              std::vector<model::Traffic>& counted);

}  // namespace headroom::engine
