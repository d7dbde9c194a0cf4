#include "core/engine/stage_dispatcher.h"

#include "shaders/kernel_params.h"

namespace headroom::engine {

using model::Stage;
using vulkan::Binding;

void recordStage(vulkan::Recorder& recorder, const StepResources& step, Stage stage, int layerIndex,
                 int rowCount, int logitsRows) {
  const auto& [shape, kernels, weights, cache, buffers] = step;
  const int rowsPerTile = kernels.tile == TokenTile::One ? 1 : HEADROOM_TOKEN_TILE;
  const auto tiles = static_cast<std::uint32_t>((rowCount + rowsPerTile - 1) / rowsPerTile);
  const Binding params = Binding::whole(buffers.params);
  const Binding stream = Binding::whole(buffers.stream);
  const Binding streamTexels = Binding::texels(buffers.streamView);
  const DeviceLayer* layer = stage == Stage::Embedding || stage == Stage::Logits
                                 ? nullptr
                                 : &weights.layers[static_cast<std::size_t>(layerIndex)];
  switch (stage) {
    case Stage::Embedding:
      recorder.dispatch(kernels.embedding, {params, Binding::texels(weights.tokenEmbedding.view()), stream},
                        {static_cast<std::uint32_t>(shape.streamColumns() / 4 / HEADROOM_LANES),
                         static_cast<std::uint32_t>(rowCount), 1});
      return;
    case Stage::QkvProjection:
      recorder.dispatch(
          kernels.qkvProjection,
          {params, Binding::texels(layer->qkv.view()), streamTexels,
           Binding::texels(layer->attentionNorm.view()), Binding::texels(weights.ropeView),
           Binding::whole(buffers.query), cache.keyStorage(layerIndex), cache.valueStorage(layerIndex)},
          {layer->qkv.workgroups(), tiles, 1});
      return;
    case Stage::AttentionDecode: {
      const AttentionDecodeParams push{.layer = static_cast<std::uint32_t>(layerIndex)};
      const std::uint64_t captureOffset = static_cast<std::uint64_t>(layerIndex) * shape.captureStride();
      recorder.dispatch(
          kernels.attentionDecode,
          {params, Binding::texels(buffers.queryView), Binding::texels(cache.keyView(layerIndex)),
           Binding::texels(cache.valueView(layerIndex)), Binding::whole(buffers.partial),
           Binding::whole(buffers.extent),
           Binding::part(buffers.captured, captureOffset, shape.captureBytesPerLayer())},
          {static_cast<std::uint32_t>(shape.attentionWorkgroups()),
           static_cast<std::uint32_t>(shape.chunkCount), static_cast<std::uint32_t>(rowCount)},
          std::as_bytes(std::span(&push, 1)));
      return;
    }
    case Stage::AttentionOutput:
      recorder.dispatch(kernels.attentionOutput,
                        {params, Binding::texels(layer->attentionOutput.view()),
                         Binding::texels(buffers.partialView), Binding::texels(buffers.extentView), stream},
                        {layer->attentionOutput.workgroups(), tiles, 1});
      return;
    case Stage::FfnGateUp:
      recorder.dispatch(kernels.ffnGateUp,
                        {params, Binding::texels(layer->gateUp.view()), streamTexels,
                         Binding::texels(layer->ffnNorm.view()), Binding::whole(buffers.hidden)},
                        {layer->gateUp.workgroups(), tiles, 1});
      return;
    case Stage::FfnDown:
      recorder.dispatch(
          kernels.ffnDown,
          {params, Binding::texels(layer->ffnDown.view()), Binding::texels(buffers.hiddenView), stream},
          {layer->ffnDown.workgroups(), tiles, 1});
      return;
    case Stage::Logits: {
      const PackedMatrix& output = weights.outputMatrix();
      recorder.dispatch(
          kernels.logits,
          {params, Binding::texels(output.view()), streamTexels, Binding::texels(weights.outputNorm.view()),
           Binding::whole(buffers.logits)},
          {output.workgroups(), static_cast<std::uint32_t>((logitsRows + rowsPerTile - 1) / rowsPerTile), 1});
      return;
    }
  }
}

}  // namespace headroom::engine
