#pragma once

#include <initializer_list>
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

  void dispatch(const vulkan::Kernel& kernel, std::vector<vulkan::Binding> bindings,
                const vulkan::GroupCount& groups, std::span<const std::byte> push = {});

  /// Parameters, weights and scales: the first bindings of everything that reads a matrix.
  std::vector<vulkan::Binding> matrix(const DeviceMatrix& source) const;
  /// Those and the row terms: the first bindings of every projection.
  std::vector<vulkan::Binding> projection(const DeviceMatrix& source, const RowTerms& terms,
                                          std::initializer_list<vulkan::Binding> further) const;
  std::vector<vulkan::Binding> projection(const DeviceProjection& source,
                                          std::initializer_list<vulkan::Binding> further) const {
    return projection(source.matrix, source.terms, further);
  }

  /// Workgroups of a projection; the rows family spreads a turn of each subgroup over them.
  vulkan::GroupCount projectionGroups(const DeviceMatrix& matrix, std::uint32_t tileCount) const;
  vulkan::GroupCount projectionGroups(const DeviceMatrix& matrix) const {
    return projectionGroups(matrix, m_tiles);
  }

 private:
  vulkan::Recorder& m_recorder;
  const StepResources& m_step;
  std::uint32_t m_rowsPerTile = 1;
  std::uint32_t m_tiles = 1;
};

}  // namespace headroom::engine
