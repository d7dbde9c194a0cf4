#pragma once

#include <span>
#include <vector>

#include "core/engine/stage_dispatcher.h"
#include "core/vulkan/recorder.h"

namespace headroom::engine {

/// Appends dispatches of a step of `rowCount` rows, with the counters that belong to each in an audit.
class StageRecorder {
 public:
  StageRecorder(vulkan::Recorder& recorder, const StepResources& step, int rowCount);

  /// Token tiles of `rows` rows.
  std::uint32_t tiles(int rows) const {
    return (static_cast<std::uint32_t>(rows) + m_rowsPerTile - 1) / m_rowsPerTile;
  }
  bool rowsFamily() const { return m_step.shape.rowsFamily(); }

  template <typename Interface>
  void dispatch(KernelOf<Interface> kernel, const typename Interface::Bindings& bindings,
                const vulkan::GroupCount& groups, std::span<const std::byte> push = {}) {
    append(*kernel.kernel, bindings.inOrder(), groups, push);
  }

  vulkan::Binding params() const { return vulkan::Binding::whole(m_step.buffers.kernelParams()); }
  vulkan::Binding weights(const DeviceMatrix& source) const {
    return rowsFamily() ? vulkan::Binding::whole(source.buffer()) : vulkan::Binding::texels(source.view());
  }
  /// What a projection multiplies with.
  vulkan::Binding input(const vulkan::Buffer& buffer, const vulkan::TexelView& view) const {
    return rowsFamily() ? vulkan::Binding::whole(buffer) : vulkan::Binding::texels(view);
  }
  static vulkan::Binding scales(const DeviceMatrix& source) {
    return vulkan::Binding::texels(source.scales());
  }
  /// The row terms; of a projection without them anything, which is not read.
  static vulkan::Binding terms(const DeviceMatrix& source, const RowTerms& terms) {
    return vulkan::Binding::texels(terms.present() ? terms.view() : source.scales());
  }

  /// Workgroups of a projection; the rows family spreads its rows once over them.
  vulkan::GroupCount projectionGroups(const DeviceMatrix& matrix, ProjectionInput input,
                                      std::uint32_t tileCount) const;
  vulkan::GroupCount projectionGroups(const DeviceMatrix& matrix, ProjectionInput input) const {
    return projectionGroups(matrix, input, m_tiles);
  }

 private:
  void append(const vulkan::Kernel& kernel, std::vector<vulkan::Binding> bindings,
              const vulkan::GroupCount& groups, std::span<const std::byte> push);

  vulkan::Recorder& m_recorder;
  const StepResources& m_step;
  std::uint32_t m_rowsPerTile = 1;
  std::uint32_t m_tiles = 1;
};

}  // namespace headroom::engine
