#include "core/engine/step_program.h"

#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {
constexpr int kStagesPerLayer = 5;
}

// The forward pass. One line per Stage; each dispatch waits for the one before.
StepProgram::StepProgram(vulkan::Device& device, const StepShape& shape, const StepKernels& kernels,
                         const DeviceWeights& weights, const KvCache& cache, const StepBuffers& buffers, int rowCount,
                         int logitsRows)
    : m_recorder(device, 2 + kStagesPerLayer * shape.config.layerCount) {
  using model::Stage;
  using vulkan::Binding;
  const auto add = [&](Stage stage, int layer, const vulkan::Kernel& kernel, const std::vector<Binding>& bindings,
                       const vulkan::GroupCount& groups, std::span<const std::byte> push = {}) {
    m_recorder.dispatch(kernel, bindings, groups, push);
    m_stages.push_back({stage, layer});
  };
  const auto tilesOf = [&](int rows) {
    const int perTile = kernels.tile == TokenTile::One ? 1 : HEADROOM_TOKEN_TILE;
    return static_cast<std::uint32_t>((rows + perTile - 1) / perTile);
  };
  const auto rows = static_cast<std::uint32_t>(rowCount);
  const Binding params = Binding::whole(buffers.params);
  const Binding stream = Binding::whole(buffers.stream);
  const Binding streamTexels = Binding::texels(buffers.streamView);

  add(Stage::Embedding, -1, kernels.embedding, {params, Binding::texels(weights.tokenEmbedding.view()), stream},
      {static_cast<std::uint32_t>(shape.streamColumns() / 4 / HEADROOM_LANES), rows, 1});

  for (int layer = 0; layer < shape.config.layerCount; ++layer) {
    const DeviceLayer& w = weights.layers[static_cast<std::size_t>(layer)];
    add(Stage::QkvProjection, layer, kernels.qkvProjection,
        {params, Binding::texels(w.qkv.view()), streamTexels, Binding::texels(w.attentionNorm.view()),
         Binding::texels(weights.ropeView), Binding::whole(buffers.query), cache.keyStorage(layer),
         cache.valueStorage(layer)},
        {w.qkv.workgroups(), tilesOf(rowCount), 1});

    const AttentionDecodeParams push{.layer = static_cast<std::uint32_t>(layer)};
    const std::uint64_t captureBytes = shape.captureBytesPerLayer();
    add(Stage::AttentionDecode, layer, kernels.attentionDecode,
        {params, Binding::texels(buffers.queryView), Binding::texels(cache.keyView(layer)),
         Binding::texels(cache.valueView(layer)), Binding::whole(buffers.partial), Binding::whole(buffers.extent),
         Binding::part(buffers.captured, static_cast<std::uint64_t>(layer) * shape.captureStride(), captureBytes)},
        {static_cast<std::uint32_t>(shape.attentionWorkgroups()), static_cast<std::uint32_t>(shape.chunkCount), rows},
        std::as_bytes(std::span(&push, 1)));

    add(Stage::AttentionOutput, layer, kernels.attentionOutput,
        {params, Binding::texels(w.attentionOutput.view()), Binding::texels(buffers.partialView),
         Binding::texels(buffers.extentView), stream},
        {w.attentionOutput.workgroups(), tilesOf(rowCount), 1});

    add(Stage::FfnGateUp, layer, kernels.ffnGateUp,
        {params, Binding::texels(w.gateUp.view()), streamTexels, Binding::texels(w.ffnNorm.view()),
         Binding::whole(buffers.hidden)},
        {w.gateUp.workgroups(), tilesOf(rowCount), 1});

    add(Stage::FfnDown, layer, kernels.ffnDown,
        {params, Binding::texels(w.ffnDown.view()), Binding::texels(buffers.hiddenView), stream},
        {w.ffnDown.workgroups(), tilesOf(rowCount), 1});
  }

  const PackedMatrix& output = weights.outputMatrix();
  add(Stage::Logits, -1, kernels.logits,
      {params, Binding::texels(output.view()), streamTexels, Binding::texels(weights.outputNorm.view()),
       Binding::whole(buffers.logits)},
      {output.workgroups(), tilesOf(logitsRows), 1});
  m_recorder.finish();
}

}  // namespace headroom::engine
