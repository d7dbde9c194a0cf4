#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "core/engine/stage_recorder.h"
#include "core/engine/stage_traffic.h"
#include "core/model/intervention.h"
#include "core/vulkan/buffer.h"

namespace headroom::engine {

/// The heads that a decoder changes, on the device; empty without a buffer.
class InterventionTable {
 public:
  struct Head {
    model::AttentionPattern pattern = model::AttentionPattern::Computed;
    std::uint32_t weightCount = 0;  ///< of Given
  };
  struct Layer {
    std::uint32_t firstEntry = 0;  ///< word of the buffer
    std::vector<Head> heads;
  };

  InterventionTable() = default;
  /// `interventions` are those of checkInterventions(). Throws vulkan::Error when the device has no room.
  InterventionTable(vulkan::Device& device, const model::ModelConfig& config,
                    std::span<const model::HeadIntervention> interventions);

  /// Null for a layer that is as it was.
  const Layer* find(int layer) const;
  /// Ascending.
  std::vector<int> layers() const;
  /// What shaders/intervene.comp reads: the entries of each layer, then the given weights.
  const vulkan::Buffer& buffer() const { return m_buffer; }

 private:
  vulkan::Buffer m_buffer;
  std::map<int, Layer> m_layers;
};

/// Appends the dispatch that changes heads of `layer` behind its attention.
void recordInterventions(StageRecorder& recorder, const StepResources& step, int layer, int rowCount);
/// What that loads and stores for `rows`.
StageTraffic interventionTraffic(const StepShape& shape, const InterventionTable::Layer& changes, int layer,
                                 std::span<const TokenParams> rows);

}  // namespace headroom::engine
