#include "core/engine/stage_recorder.h"

#include <algorithm>

#include "shaders/kernel_params.h"

namespace headroom::engine {

using vulkan::Binding;

StageRecorder::StageRecorder(vulkan::Recorder& recorder, const StepResources& step, int rowCount)
    : m_recorder(recorder),
      m_step(step),
      m_rowsPerTile(static_cast<std::uint32_t>(tokensOf(step.kernels.tile()))),
      m_tiles(tiles(rowCount)) {}

void StageRecorder::append(const vulkan::Kernel& kernel, std::vector<Binding> bindings,
                           const vulkan::GroupCount& groups, std::span<const std::byte> push) {
  if (m_step.audit != nullptr) {
    bindings.push_back(Binding::part(*m_step.audit,
                                     kAuditStride * static_cast<std::uint64_t>(m_recorder.dispatchCount()),
                                     HEADROOM_TRAFFIC_CLASSES * sizeof(std::uint32_t)));
  }
  m_recorder.dispatch(kernel, bindings, groups, push);
}

vulkan::GroupCount StageRecorder::projectionGroups(const DeviceMatrix& matrix, ProjectionInput input,
                                                   std::uint32_t tileCount) const {
  return {u32(m_step.shape.projectionWorkgroups(matrix, m_step.kernels.tile(), input)), tileCount, 1};
}

}  // namespace headroom::engine
