#include "core/engine/stage_dispatcher.h"

#include <algorithm>

#include "shaders/kernel_params.h"

namespace headroom::engine {

using model::Stage;
using vulkan::Binding;

namespace {

using Groups = vulkan::GroupCount;

std::uint32_t u32(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}

/// Appends dispatches, with the counters that belong to each in an audit.
class StageRecorder {
 public:
  StageRecorder(vulkan::Recorder& recorder, const StepResources& step, int rowCount)
      : m_recorder(recorder), m_step(step) {
    const int rowsPerTile = step.kernels.tile() == TokenTile::One ? 1 : HEADROOM_TOKEN_TILE;
    m_rowsPerTile = static_cast<std::uint32_t>(rowsPerTile);
    m_tiles = tiles(rowCount);
  }

  std::uint32_t tiles(int rows) const {
    return (static_cast<std::uint32_t>(rows) + m_rowsPerTile - 1) / m_rowsPerTile;
  }
  bool rowsFamily() const { return m_step.shape.rowsFamily(); }

  void dispatch(const vulkan::Kernel& kernel, std::vector<Binding> bindings, const Groups& groups,
                std::span<const std::byte> push = {}) {
    if (m_step.audit != nullptr) {
      bindings.push_back(Binding::part(*m_step.audit,
                                       kAuditStride * static_cast<std::uint64_t>(m_recorder.dispatchCount()),
                                       HEADROOM_TRAFFIC_CLASSES * sizeof(std::uint32_t)));
    }
    m_recorder.dispatch(kernel, bindings, groups, push);
  }

  /// Parameters, weights and scales: the first bindings of every projection.
  std::vector<Binding> projection(const DeviceMatrix& matrix, std::initializer_list<Binding> further) const {
    std::vector<Binding> bindings{
        Binding::whole(m_step.buffers.params),
        rowsFamily() ? Binding::whole(matrix.buffer()) : Binding::texels(matrix.view()),
        Binding::texels(matrix.scales())};
    bindings.insert(bindings.end(), further);
    return bindings;
  }

  /// Workgroups of a projection; the rows family spreads a turn of each subgroup over them.
  Groups projectionGroups(const DeviceMatrix& matrix, std::uint32_t tileCount) const {
    if (!rowsFamily()) return {u32(matrix.rowGroups()), tileCount, 1};
    const auto subgroups = static_cast<std::uint64_t>(
        std::max(1, m_step.shape.plan.invocations / std::max(1, m_step.shape.subgroupSize)));
    return {u32(std::max<std::uint64_t>(1, (matrix.rowGroups() + subgroups - 1) / subgroups)), tileCount, 1};
  }
  Groups projectionGroups(const DeviceMatrix& matrix) const { return projectionGroups(matrix, m_tiles); }

 private:
  vulkan::Recorder& m_recorder;
  const StepResources& m_step;
  std::uint32_t m_rowsPerTile = 1;
  std::uint32_t m_tiles = 1;
};

void recordAttention(StageRecorder& recorder, const StepResources& step, int layerIndex, int rowCount) {
  const auto& buffers = step.buffers;
  const AttentionDecodeParams push{.layer = static_cast<std::uint32_t>(layerIndex)};
  recorder.dispatch(
      step.kernels.attentionDecode(),
      {Binding::whole(buffers.params), Binding::texels(buffers.queryView),
       Binding::texels(step.cache.keyView(layerIndex)), Binding::texels(step.cache.valueView(layerIndex)),
       Binding::whole(buffers.partial), Binding::whole(buffers.extent), Binding::whole(buffers.captured),
       Binding::whole(buffers.capturedExtent)},
      {static_cast<std::uint32_t>(step.shape.attentionWorkgroups()),
       static_cast<std::uint32_t>(step.shape.chunkCount), static_cast<std::uint32_t>(rowCount)},
      std::as_bytes(std::span(&push, 1)));
}

void recordAttentionOutput(StageRecorder& recorder, const StepResources& step, const DeviceMatrix& matrix,
                           int rowCount) {
  const auto& buffers = step.buffers;
  const Binding stream = Binding::whole(buffers.stream);
  const vulkan::Kernel& kernel = step.kernels.attentionOutput(matrix);
  if (!step.kernels.attentionMerge()) {
    recorder.dispatch(kernel,
                      recorder.projection(matrix, {Binding::texels(buffers.partialView),
                                                   Binding::texels(buffers.extentView), stream}),
                      recorder.projectionGroups(matrix));
    return;
  }
  constexpr std::uint32_t kMergeInvocations = 64;
  const auto texels = static_cast<std::uint32_t>(step.shape.config.attention.queryDim() / 4);
  recorder.dispatch(
      *step.kernels.attentionMerge(),
      {Binding::texels(buffers.partialView), Binding::texels(buffers.extentView),
       Binding::whole(buffers.attended)},
      {(texels + kMergeInvocations - 1) / kMergeInvocations, static_cast<std::uint32_t>(rowCount), 1});
  recorder.dispatch(kernel,
                    recorder.projection(matrix, {Binding::texels(buffers.attendedView),
                                                 Binding::texels(buffers.attendedView), stream}),
                    recorder.projectionGroups(matrix));
}

}  // namespace

int dispatchCount(const StepShape& shape, Stage stage) {
  return stage == Stage::AttentionOutput && shape.rowsFamily() ? 2 : 1;
}

void recordStage(vulkan::Recorder& vulkanRecorder, const StepResources& step, Stage stage, int layerIndex,
                 int rowCount, int logitsRows) {
  const auto& [shape, kernels, weights, cache, buffers, audit] = step;
  StageRecorder recorder(vulkanRecorder, step, rowCount);
  const Binding stream = Binding::whole(buffers.stream);
  const Binding streamTexels = Binding::texels(buffers.streamView);
  const DeviceLayer* layer = stage == Stage::Embedding || stage == Stage::Logits
                                 ? nullptr
                                 : &weights.layers[static_cast<std::size_t>(layerIndex)];
  switch (stage) {
    case Stage::Embedding:
      recorder.dispatch(
          kernels.embedding(), recorder.projection(weights.tokenEmbedding, {stream}),
          {u32(shape.streamColumns() / 4 / HEADROOM_LANES), static_cast<std::uint32_t>(rowCount), 1});
      return;
    case Stage::QkvProjection:
      recorder.dispatch(
          kernels.qkvProjection(layer->qkv),
          recorder.projection(layer->qkv, {streamTexels, Binding::texels(layer->attentionNorm.view()),
                                           Binding::texels(weights.ropeView), Binding::whole(buffers.query),
                                           cache.keyStorage(layerIndex), cache.valueStorage(layerIndex)}),
          recorder.projectionGroups(layer->qkv));
      return;
    case Stage::AttentionDecode:
      recordAttention(recorder, step, layerIndex, rowCount);
      return;
    case Stage::AttentionOutput:
      recordAttentionOutput(recorder, step, layer->attentionOutput, rowCount);
      return;
    case Stage::FfnGateUp:
      recorder.dispatch(
          kernels.ffnGateUp(layer->gateUp),
          recorder.projection(layer->gateUp, {streamTexels, Binding::texels(layer->ffnNorm.view()),
                                              Binding::whole(buffers.hidden)}),
          recorder.projectionGroups(layer->gateUp));
      return;
    case Stage::FfnDown:
      recorder.dispatch(kernels.ffnDown(layer->ffnDown),
                        recorder.projection(layer->ffnDown, {Binding::texels(buffers.hiddenView), stream}),
                        recorder.projectionGroups(layer->ffnDown));
      return;
    case Stage::Logits: {
      const DeviceMatrix& output = weights.outputMatrix();
      recorder.dispatch(kernels.logits(),
                        recorder.projection(output, {streamTexels, Binding::texels(weights.outputNorm.view()),
                                                     Binding::whole(buffers.logits)}),
                        recorder.projectionGroups(output, recorder.tiles(logitsRows)));
      return;
    }
  }
}

}  // namespace headroom::engine
