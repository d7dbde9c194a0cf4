#include "core/engine/step_program.h"

namespace headroom::engine {

namespace {
constexpr int kStagesPerLayer = 5;
}

StepProgram::StepProgram(vulkan::Device& device, const StepResources& resources, int rowCount, int logitsRows)
    : m_recorder(device, 2 + kStagesPerLayer * resources.shape.config.layerCount) {
  using model::Stage;
  m_stages.push_back({Stage::Embedding, -1});
  for (int layer = 0; layer < resources.shape.config.layerCount; ++layer) {
    for (Stage stage : {Stage::QkvProjection, Stage::AttentionDecode, Stage::AttentionOutput,
                        Stage::FfnGateUp, Stage::FfnDown}) {
      m_stages.push_back({stage, layer});
    }
  }
  m_stages.push_back({Stage::Logits, -1});
  for (const RecordedStage& recorded : m_stages) {
    recordStage(m_recorder, resources, recorded.stage, recorded.layer, rowCount, logitsRows);
  }
  m_recorder.finish();
}

}  // namespace headroom::engine
