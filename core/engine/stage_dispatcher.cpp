#include "core/engine/stage_dispatcher.h"

#include <algorithm>

#include "core/engine/intervention_table.h"
#include "core/engine/stage_captures.h"
#include "core/engine/stage_recorder.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

using model::Stage;
using vulkan::Binding;

namespace {

AttentionDecodeParams attentionParams(const StepResources& step, const StepForm& form, int layer) {
  return {.layer = static_cast<std::uint32_t>(layer),
          .window = static_cast<std::uint32_t>(step.shape.config.windowOf(layer)),
          .texts = static_cast<std::uint32_t>(form.texts),
          .merges = mergesInAttention(step.shape, form, layer) ? 1u : 0u};
}

vulkan::GroupCount attentionGroups(const StepShape& shape, const StepForm& form) {
  const auto rows = static_cast<std::uint32_t>(form.rows);
  if (!shape.tilesQueries) {
    return {static_cast<std::uint32_t>(shape.attentionWorkgroups()),
            static_cast<std::uint32_t>(shape.chunkCount), rows};
  }
  // attention_matrices.comp has as many rows to a workgroup as attention_tiles.comp.
  const auto heads = static_cast<std::uint32_t>(shape.headsPerQueryTile());
  const auto texts = static_cast<std::uint32_t>(form.texts);
  return {static_cast<std::uint32_t>(shape.config.attention.queryHeadCount) / heads,
          (rows / texts * heads + HEADROOM_QUERY_TILE - 1) / HEADROOM_QUERY_TILE, texts};
}

void recordAttention(StageRecorder& recorder, const StepResources& step, const StepForm& form,
                     int layerIndex) {
  const auto& buffers = step.buffers;
  const bool rows = step.shape.rowsFamily();
  const AttentionDecodeParams push = attentionParams(step, form, layerIndex);
  if (step.shape.attendsByMatrices()) {
    recorder.dispatch(step.kernels.matrixAttentionDecode(),
                      {.stepParams = recorder.params(),
                       .query = Binding::whole(buffers.query),
                       .keys = step.cache.keyStorage(layerIndex),
                       .values = step.cache.valueStorage(layerIndex),
                       .partial = Binding::whole(buffers.partial),
                       .extent = Binding::whole(buffers.extent),
                       .captured = Binding::whole(buffers.captured),
                       .capturedExtent = Binding::whole(buffers.capturedExtent)},
                      attentionGroups(step.shape, form), std::as_bytes(std::span(&push, 1)));
    return;
  }
  if (step.shape.attendsByOctets()) {
    recorder.dispatch(step.kernels.octetAttentionDecode(),
                      {.stepParams = recorder.params(),
                       .query = Binding::whole(buffers.query),
                       .keys = step.cache.keyStorage(layerIndex),
                       .values = step.cache.valueStorage(layerIndex),
                       .partial = Binding::whole(buffers.partial),
                       .extent = Binding::whole(buffers.extent),
                       .captured = Binding::whole(buffers.captured),
                       .capturedExtent = Binding::whole(buffers.capturedExtent),
                       .attended = Binding::whole(buffers.attended),
                       .arrivals = Binding::whole(buffers.arrivals)},
                      attentionGroups(step.shape, form), std::as_bytes(std::span(&push, 1)));
    return;
  }
  recorder.dispatch(
      step.kernels.attentionDecode(),
      {.stepParams = recorder.params(),
       .query = rows ? Binding::whole(buffers.query) : Binding::texels(buffers.queryView),
       .keys = rows ? step.cache.keyStorage(layerIndex) : Binding::texels(step.cache.keyView(layerIndex)),
       .values =
           rows ? step.cache.valueStorage(layerIndex) : Binding::texels(step.cache.valueView(layerIndex)),
       .partial = Binding::whole(buffers.partial),
       .extent = Binding::whole(buffers.extent),
       .captured = Binding::whole(buffers.captured),
       .capturedExtent = Binding::whole(buffers.capturedExtent)},
      attentionGroups(step.shape, form), std::as_bytes(std::span(&push, 1)));
}

/// Heads get their norms in a dispatch of their own, which then rotates and appends.
void recordQkv(StageRecorder& recorder, const StepResources& step, const DeviceLayer& layer, int layerIndex,
               int rowCount) {
  const auto& buffers = step.buffers;
  const KernelOf<HeadNorm> headNorm = step.kernels.headNorm();
  const Binding keys = step.cache.keyStorage(layerIndex);
  const Binding values = step.cache.valueStorage(layerIndex);
  for (const DeviceProjection& part : layer.qkv) {
    recorder.dispatch(step.kernels.qkvProjection(part),
                      {.stepParams = recorder.params(),
                       .weights = recorder.weights(part.matrix),
                       .scales = recorder.scales(part.matrix),
                       .terms = recorder.terms(part.matrix, part.terms),
                       .stream = recorder.input(buffers.stream, buffers.streamView),
                       .gain = recorder.input(layer.attentionNorm.buffer(), layer.attentionNorm.view()),
                       .rope = Binding::texels(buffers.ropeView),
                       .query = Binding::whole(headNorm ? buffers.projected : buffers.query),
                       .keys = keys,
                       .values = values},
                      recorder.projectionGroups(part.matrix, ProjectionInput::BehindNorm));
  }
  if (!headNorm) return;
  const model::AttentionShape& heads = step.shape.config.attention;
  recorder.dispatch(headNorm,
                    {.stepParams = recorder.params(),
                     .projected = Binding::texels(buffers.projectedView),
                     .gains = Binding::texels(layer.headGainView),
                     .rope = Binding::texels(buffers.ropeView),
                     .query = Binding::whole(buffers.query),
                     .keys = keys,
                     .values = values},
                    {static_cast<std::uint32_t>(heads.queryHeadCount + 2 * heads.kvHeadCount),
                     static_cast<std::uint32_t>(rowCount), 1});
}

/// Where a projection's result goes: into the stream, or to add_branch.
Binding branchTarget(const StepResources& step) {
  return Binding::whole(step.kernels.addBranch() ? step.buffers.branch : step.buffers.stream);
}

void recordAddBranch(StageRecorder& recorder, const StepResources& step, const GainVector& norm,
                     int rowCount) {
  if (!step.kernels.addBranch()) return;
  recorder.dispatch(step.kernels.addBranch(),
                    {.branch = Binding::whole(step.buffers.branch),
                     .gain = Binding::whole(norm.buffer()),
                     .stream = Binding::whole(step.buffers.stream)},
                    {1, static_cast<std::uint32_t>(rowCount), 1});
}

/// Of merged chunks of the context; where attention has not merged them, in a dispatch of their own.
void recordMergedOutput(StageRecorder& recorder, const StepResources& step, const StepForm& form,
                        const DeviceProjection& projection, int layerIndex) {
  const AttentionDecodeParams push = attentionParams(step, form, layerIndex);
  const auto& buffers = step.buffers;
  const DeviceMatrix& matrix = projection.matrix;
  if (push.merges == 0) {
    recorder.dispatch(step.kernels.attentionMerge(),
                      {.stepParams = recorder.params(),
                       .partial = Binding::whole(buffers.partial),
                       .extent = Binding::whole(buffers.extent),
                       .attended = Binding::whole(buffers.attended)},
                      {static_cast<std::uint32_t>(step.shape.config.attention.queryHeadCount),
                       static_cast<std::uint32_t>(form.rows), 1},
                      std::as_bytes(std::span(&push, 1)));
  }
  recorder.dispatch(step.kernels.attentionOutput(matrix),
                    {.stepParams = recorder.params(),
                     .weights = recorder.weights(matrix),
                     .scales = recorder.scales(matrix),
                     .terms = recorder.terms(matrix, projection.terms),
                     .attended = recorder.input(buffers.attended, buffers.attendedView),
                     .stream = branchTarget(step)},
                    recorder.projectionGroups(matrix, ProjectionInput::Plain));
}

void recordMergingOutput(StageRecorder& recorder, const StepResources& step,
                         const DeviceProjection& projection) {
  const DeviceMatrix& matrix = projection.matrix;
  recorder.dispatch(step.kernels.mergingAttentionOutput(matrix),
                    {.stepParams = recorder.params(),
                     .weights = recorder.weights(matrix),
                     .scales = recorder.scales(matrix),
                     .terms = recorder.terms(matrix, projection.terms),
                     .partial = Binding::texels(step.buffers.partialView),
                     .extent = Binding::texels(step.buffers.extentView),
                     .stream = branchTarget(step)},
                    recorder.projectionGroups(matrix, ProjectionInput::Plain));
}

void recordAttentionOutput(StageRecorder& recorder, const StepResources& step, const StepForm& form,
                           const DeviceLayer& layer, int layerIndex) {
  if (step.shape.rowsFamily()) {
    recordMergedOutput(recorder, step, form, layer.attentionOutput, layerIndex);
  } else {
    recordMergingOutput(recorder, step, layer.attentionOutput);
  }
  recordAddBranch(recorder, step, layer.attentionPostNorm, form.rows);
}

void recordLogits(StageRecorder& recorder, const StepResources& step, const StepForm& form) {
  const auto& buffers = step.buffers;
  const DeviceMatrix& output = step.weights.outputMatrix();
  const bool summarises = form.logits == LogitsTarget::Summary;
  recorder.dispatch(
      step.kernels.logits(),
      {.stepParams = recorder.params(),
       .weights = recorder.weights(output),
       .scales = recorder.scales(output),
       .terms = recorder.terms(output, step.weights.outputTerms),
       .stream = recorder.input(buffers.stream, buffers.streamView),
       .gain = recorder.input(step.weights.outputNorm.buffer(), step.weights.outputNorm.view()),
       .logits = Binding::whole(summarises ? buffers.summarisedLogits : buffers.logits)},
      recorder.projectionGroups(output, ProjectionInput::BehindNorm, recorder.tiles(form.logitsRows)));
  if (!summarises) return;
  recorder.dispatch(step.kernels.logitSummary(),
                    {.stepParams = recorder.params(),
                     .logits = Binding::whole(buffers.summarisedLogits),
                     .summaries = Binding::whole(buffers.summaries)},
                    {static_cast<std::uint32_t>(form.logitsRows), 1, 1});
}

void recordEmbedding(StageRecorder& recorder, const StepResources& step, int rowCount) {
  const DeviceMatrix& matrix = step.weights.tokenEmbedding;
  const bool learned = step.shape.traits().positions == model::Positions::Learned;
  recorder.dispatch(
      step.kernels.embedding(),
      {.stepParams = recorder.params(),
       .weights = recorder.weights(matrix),
       .scales = recorder.scales(matrix),
       .stream = Binding::whole(step.buffers.stream),
       .positions = Binding::texels(learned ? step.weights.positionView : matrix.scales())},
      {u32(step.shape.streamColumns() / 4 / HEADROOM_LANES), static_cast<std::uint32_t>(rowCount), 1});
}

void recordGateUp(StageRecorder& recorder, const StepResources& step, const DeviceLayer& layer) {
  const DeviceMatrix& matrix = layer.gateUp.matrix;
  const bool tabled = step.shape.traits().activation == model::Activation::GeluTable;
  recorder.dispatch(step.kernels.ffnGateUp(matrix),
                    {.stepParams = recorder.params(),
                     .weights = recorder.weights(matrix),
                     .scales = recorder.scales(matrix),
                     .terms = recorder.terms(matrix, layer.gateUp.terms),
                     .stream = recorder.input(step.buffers.stream, step.buffers.streamView),
                     .gain = recorder.input(layer.ffnNorm.buffer(), layer.ffnNorm.view()),
                     .hidden = Binding::whole(step.buffers.hidden),
                     .geluTable = Binding::texels(tabled ? step.weights.geluView : matrix.scales())},
                    recorder.projectionGroups(matrix, ProjectionInput::BehindNorm));
}

void recordFfnDown(StageRecorder& recorder, const StepResources& step, const DeviceLayer& layer,
                   int rowCount) {
  const DeviceMatrix& matrix = layer.ffnDown.matrix;
  recorder.dispatch(step.kernels.ffnDown(matrix),
                    {.stepParams = recorder.params(),
                     .weights = recorder.weights(matrix),
                     .scales = recorder.scales(matrix),
                     .terms = recorder.terms(matrix, layer.ffnDown.terms),
                     .hidden = recorder.input(step.buffers.hidden, step.buffers.hiddenView),
                     .stream = branchTarget(step)},
                    recorder.projectionGroups(matrix, ProjectionInput::Plain));
  recordAddBranch(recorder, step, layer.ffnPostNorm, rowCount);
}

}  // namespace

bool mergesInAttention(const StepShape& shape, const StepForm& form, int layer) {
  // What is changed is changed between attention and merging.
  return shape.mergesLast && !changesHeads(form, Stage::AttentionDecode, layer);
}

bool changesHeads(const StepForm& form, Stage stage, int layer) {
  return stage == Stage::AttentionDecode && std::ranges::binary_search(form.changedLayers, layer);
}

int dispatchCount(const StepShape& shape, const DeviceWeights& weights, const StepForm& form, Stage stage,
                  int layer) {
  int count = 1 + static_cast<int>(capturesOf(shape, form, stage, layer).size());
  if (stage == Stage::Logits && form.logits == LogitsTarget::Summary) ++count;
  if (changesHeads(form, stage, layer)) ++count;
  if (stage == Stage::AttentionOutput && shape.rowsFamily() && !mergesInAttention(shape, form, layer))
    ++count;
  if (stage == Stage::QkvProjection) {
    count += static_cast<int>(std::ssize(weights.layers[static_cast<std::size_t>(layer)].qkv)) - 1;
    if (shape.traits().headNorms) ++count;
  }
  if ((stage == Stage::AttentionOutput || stage == Stage::FfnDown) && shape.traits().branchNorms) ++count;
  return count;
}

namespace {

/// The stage itself, without what is captured of it.
void recordWork(StageRecorder& recorder, const StepResources& step, const StepForm& form, Stage stage,
                int layerIndex) {
  const int rowCount = form.rows;
  const auto layer = [&]() -> const DeviceLayer& {
    return step.weights.layers[static_cast<std::size_t>(layerIndex)];
  };
  switch (stage) {
    case Stage::Embedding:
      recordEmbedding(recorder, step, rowCount);
      return;
    case Stage::QkvProjection:
      recordQkv(recorder, step, layer(), layerIndex, rowCount);
      return;
    case Stage::AttentionDecode:
      recordAttention(recorder, step, form, layerIndex);
      return;
    case Stage::AttentionOutput:
      recordAttentionOutput(recorder, step, form, layer(), layerIndex);
      return;
    case Stage::FfnGateUp:
      recordGateUp(recorder, step, layer());
      return;
    case Stage::FfnDown:
      recordFfnDown(recorder, step, layer(), rowCount);
      return;
    case Stage::Logits:
      recordLogits(recorder, step, form);
      return;
  }
}

}  // namespace

void recordAdvance(vulkan::Recorder& recorder, const StepResources& step) {
  StageRecorder(recorder, step, 1)
      .dispatch(step.kernels.advanceTokens(),
                {.params = Binding::whole(step.buffers.deviceParams),
                 .summaries = Binding::whole(step.buffers.summaries),
                 .ahead = Binding::whole(step.buffers.ahead)},
                {1, 1, 1});
}

void recordStage(vulkan::Recorder& vulkanRecorder, const StepResources& step, const StepForm& form,
                 Stage stage, int layerIndex) {
  StageRecorder recorder(vulkanRecorder, step, form.rows);
  recordWork(recorder, step, form, stage, layerIndex);
  const std::vector<StageCapture> captures = capturesOf(step.shape, form, stage, layerIndex);
  const auto record = [&](bool headOutputs) {
    for (const StageCapture& capture : captures) {
      if ((capture.place.point == model::CapturePoint::HeadOutputs) == headOutputs)
        recordCapture(recorder, step, capture, form.rows);
    }
  };
  record(false);
  // Extents are those of attention as it was computed, outputs are what W_O gets.
  if (changesHeads(form, stage, layerIndex)) recordInterventions(recorder, step, layerIndex, form.rows);
  record(true);
}

}  // namespace headroom::engine
