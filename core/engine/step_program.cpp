#include "core/engine/step_program.h"

#include <array>
#include <utility>

#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

using model::Stage;

constexpr std::array kLayerStages = {Stage::QkvProjection, Stage::AttentionDecode, Stage::AttentionOutput,
                                     Stage::FfnGateUp, Stage::FfnDown};

/// In a parallel block the FFN reads what attention read, before either is added.
std::array<Stage, kLayerStages.size()> stagesOf(model::Block block) {
  auto stages = kLayerStages;
  if (block == model::Block::Parallel) std::swap(stages[2], stages[3]);
  return stages;
}

}  // namespace

std::vector<std::pair<Stage, int>> StepProgram::stageOrder(const StepShape& shape, const StepForm& form) {
  std::vector<std::pair<Stage, int>> order{{Stage::Embedding, -1}};
  for (int layer = 0; layer < shape.config.layerCount; ++layer) {
    for (Stage stage : stagesOf(shape.traits().block)) order.emplace_back(stage, layer);
  }
  if (form.logitsRows > 0) order.emplace_back(Stage::Logits, -1);
  return order;
}

int StepProgram::dispatchTotal(const StepShape& shape, const DeviceWeights& weights, const StepForm& form) {
  int total = 0;
  for (const auto& [stage, layer] : stageOrder(shape, form))
    total += dispatchCount(shape, weights, form, stage, layer);
  return total + (form.advances ? 1 : 0);
}

StepProgram::StepProgram(vulkan::Device& device, const StepResources& resources, const StepForm& form,
                         vulkan::Workgroups workgroups)
    : m_recorder(device, dispatchTotal(resources.shape, resources.weights, form), workgroups,
                 form.timesStages ? vulkan::TimeStamps::BetweenDispatches : vulkan::TimeStamps::None,
                 form.advances ? vulkan::Runs::Repeated : vulkan::Runs::Single) {
  if (!form.advances) resources.buffers.recordParams(m_recorder);
  for (const auto& [stage, layer] : stageOrder(resources.shape, form)) {
    const int first = m_recorder.dispatchCount();
    recordStage(m_recorder, resources, form, stage, layer);
    m_stages.push_back({stage, layer, first, m_recorder.dispatchCount() - first});
  }
  if (form.advances) recordAdvance(m_recorder, resources);
  m_recorder.finish();
}

std::vector<double> StepProgram::stageTimesMs() const {
  const std::vector<double> dispatches = m_recorder.dispatchTimesMs();
  std::vector<double> times;
  for (const RecordedStage& stage : m_stages) {
    double sum = 0.0;
    for (int i = 0; i < stage.dispatchCount; ++i)
      sum += dispatches[static_cast<std::size_t>(stage.firstDispatch + i)];
    times.push_back(sum);
  }
  return times;
}

void addAudit(const vulkan::Buffer& counters, const std::vector<StepProgram::RecordedStage>& stages,
              std::vector<model::Traffic>& counted) {
  counted.resize(stages.size());
  const std::span<const std::uint32_t> words = counters.mapped<const std::uint32_t>();
  for (std::size_t index = 0; index < stages.size(); ++index) {
    for (int i = 0; i < stages[index].dispatchCount; ++i) {
      const std::uint64_t offset =
          kAuditStride * static_cast<std::uint64_t>(stages[index].firstDispatch + i) / sizeof(std::uint32_t);
      const auto classes = words.subspan(offset, HEADROOM_TRAFFIC_CLASSES);
      counted[index] += {.weightsRead = classes[0],
                         .kvRead = classes[1],
                         .kvWritten = classes[2],
                         .activationsRead = classes[3],
                         .activationsWritten = classes[4],
                         .captureWritten = classes[5]};
    }
  }
}

}  // namespace headroom::engine
