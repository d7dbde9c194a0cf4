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

vulkan::GroupCount StageRecorder::projectionGroups(const DeviceMatrix& matrix,
                                                   std::uint32_t tileCount) const {
  const TokenTile tile = m_step.kernels.tile();
  const std::uint64_t groups = matrix.rowGroups(tile);
  if (!rowsFamily() || tile == TokenTile::Many) return {static_cast<std::uint32_t>(groups), tileCount, 1};
  const auto subgroups = static_cast<std::uint64_t>(
      std::max(1, m_step.shape.plan.invocations / std::max(1, m_step.shape.subgroupSize)));
  return {static_cast<std::uint32_t>(std::max<std::uint64_t>(1, (groups + subgroups - 1) / subgroups)),
          tileCount, 1};
}

}  // namespace headroom::engine
