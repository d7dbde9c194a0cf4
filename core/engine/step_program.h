#pragma once

#include <vector>

#include "core/engine/stage_dispatcher.h"
#include "core/model/stage.h"
#include "core/vulkan/recorder.h"

namespace headroom::engine {

/// The forward pass of a step of `rowCount` rows, recorded once and run as often as needed: positions, tokens
/// and lengths lie in StepBuffers::params.
class StepProgram {
 public:
  struct RecordedStage {
    model::Stage stage;
    int layer;  ///< -1 for Embedding and Logits
  };

  StepProgram(vulkan::Device& device, const StepResources& resources, int rowCount, int logitsRows);

  void run() { m_recorder.run(); }
  /// In the order of execution; dispatchTimesMs() has one entry for each.
  const std::vector<RecordedStage>& stages() const { return m_stages; }
  std::vector<double> dispatchTimesMs() const { return m_recorder.dispatchTimesMs(); }

 private:
  vulkan::Recorder m_recorder;
  std::vector<RecordedStage> m_stages;
};

}  // namespace headroom::engine
