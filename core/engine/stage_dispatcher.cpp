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

std::uint32_t u32(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}

void recordAttention(StageRecorder& recorder, const StepResources& step, int layerIndex, int rowCount) {
  const auto& buffers = step.buffers;
  const AttentionDecodeParams push{
      .layer = static_cast<std::uint32_t>(layerIndex),
      .window = static_cast<std::uint32_t>(step.shape.config.windowOf(layerIndex))};
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

/// Heads get their norms in a dispatch of their own, which then rotates and appends.
void recordQkv(StageRecorder& recorder, const StepResources& step, const DeviceLayer& layer, int layerIndex,
               int rowCount) {
  const auto& buffers = step.buffers;
  const bool headNorms = step.kernels.headNorm() != nullptr;
  const Binding keys = step.cache.keyStorage(layerIndex);
  const Binding values = step.cache.valueStorage(layerIndex);
  recorder.dispatch(
      step.kernels.qkvProjection(layer.qkv.matrix),
      recorder.projection(layer.qkv,
                          {Binding::texels(buffers.streamView), Binding::texels(layer.attentionNorm.view()),
                           Binding::texels(step.buffers.ropeView),
                           Binding::whole(headNorms ? buffers.projected : buffers.query), keys, values}),
      recorder.projectionGroups(layer.qkv.matrix));
  if (!headNorms) return;
  const model::AttentionShape& heads = step.shape.config.attention;
  recorder.dispatch(*step.kernels.headNorm(),
                    {Binding::whole(buffers.params), Binding::texels(buffers.projectedView),
                     Binding::texels(layer.headGainView), Binding::texels(step.buffers.ropeView),
                     Binding::whole(buffers.query), keys, values},
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
  recorder.dispatch(*step.kernels.addBranch(),
                    {Binding::whole(step.buffers.branch), Binding::whole(norm.buffer()),
                     Binding::whole(step.buffers.stream)},
                    {1, static_cast<std::uint32_t>(rowCount), 1});
}

void recordAttentionOutput(StageRecorder& recorder, const StepResources& step, const DeviceLayer& layer,
                           int rowCount) {
  const auto& buffers = step.buffers;
  const DeviceProjection& projection = layer.attentionOutput;
  const vulkan::Kernel& kernel = step.kernels.attentionOutput(projection.matrix);
  const Binding target = branchTarget(step);
  if (!step.kernels.attentionMerge()) {
    recorder.dispatch(kernel,
                      recorder.projection(projection, {Binding::texels(buffers.partialView),
                                                       Binding::texels(buffers.extentView), target}),
                      recorder.projectionGroups(projection.matrix));
  } else {
    constexpr std::uint32_t kMergeInvocations = 64;
    const auto texels = static_cast<std::uint32_t>(step.shape.config.attention.queryDim() / 4);
    recorder.dispatch(
        *step.kernels.attentionMerge(),
        {Binding::texels(buffers.partialView), Binding::texels(buffers.extentView),
         Binding::whole(buffers.attended)},
        {(texels + kMergeInvocations - 1) / kMergeInvocations, static_cast<std::uint32_t>(rowCount), 1});
    recorder.dispatch(kernel,
                      recorder.projection(projection, {Binding::texels(buffers.attendedView), target}),
                      recorder.projectionGroups(projection.matrix));
  }
  recordAddBranch(recorder, step, layer.attentionPostNorm, rowCount);
}

void recordLogits(StageRecorder& recorder, const StepResources& step, const StepForm& form) {
  const auto& buffers = step.buffers;
  const DeviceMatrix& output = step.weights.outputMatrix();
  const bool summarises = form.logits == LogitsTarget::Summary;
  recorder.dispatch(step.kernels.logits(),
                    recorder.projection(
                        output, step.weights.outputTerms,
                        {Binding::texels(buffers.streamView), Binding::texels(step.weights.outputNorm.view()),
                         Binding::whole(summarises ? buffers.summarisedLogits : buffers.logits)}),
                    recorder.projectionGroups(output, recorder.tiles(form.logitsRows)));
  if (!summarises) return;
  recorder.dispatch(step.kernels.logitSummary(),
                    {Binding::whole(buffers.params), Binding::whole(buffers.summarisedLogits),
                     Binding::whole(buffers.summaries)},
                    {static_cast<std::uint32_t>(form.logitsRows), 1, 1});
}

}  // namespace

bool changesHeads(const StepForm& form, Stage stage, int layer) {
  return stage == Stage::AttentionDecode && std::ranges::binary_search(form.changedLayers, layer);
}

int dispatchCount(const StepShape& shape, const StepForm& form, Stage stage, int layer) {
  int count = 1 + static_cast<int>(capturesOf(shape, form, stage, layer).size());
  if (stage == Stage::Logits && form.logits == LogitsTarget::Summary) ++count;
  if (changesHeads(form, stage, layer)) ++count;
  if (stage == Stage::AttentionOutput && shape.rowsFamily()) ++count;
  if (stage == Stage::QkvProjection && shape.traits().headNorms) ++count;
  if ((stage == Stage::AttentionOutput || stage == Stage::FfnDown) && shape.traits().branchNorms) ++count;
  return count;
}

namespace {

/// The stage itself, without what is captured of it.
void recordWork(StageRecorder& recorder, const StepResources& step, const StepForm& form, Stage stage,
                int layerIndex) {
  const int rowCount = form.rows;
  const auto& [shape, kernels, weights, cache, buffers, interventions, audit] = step;
  const Binding streamTexels = Binding::texels(buffers.streamView);
  const DeviceLayer* layer = stage == Stage::Embedding || stage == Stage::Logits
                                 ? nullptr
                                 : &weights.layers[static_cast<std::size_t>(layerIndex)];
  switch (stage) {
    case Stage::Embedding: {
      std::vector<Binding> bindings = recorder.matrix(weights.tokenEmbedding);
      const bool learned = shape.traits().positions == model::Positions::Learned;
      bindings.push_back(Binding::whole(buffers.stream));
      bindings.push_back(Binding::texels(learned ? weights.positionView : weights.tokenEmbedding.scales()));
      recorder.dispatch(
          kernels.embedding(), std::move(bindings),
          {u32(shape.streamColumns() / 4 / HEADROOM_LANES), static_cast<std::uint32_t>(rowCount), 1});
      return;
    }
    case Stage::QkvProjection:
      recordQkv(recorder, step, *layer, layerIndex, rowCount);
      return;
    case Stage::AttentionDecode:
      recordAttention(recorder, step, layerIndex, rowCount);
      return;
    case Stage::AttentionOutput:
      recordAttentionOutput(recorder, step, *layer, rowCount);
      return;
    case Stage::FfnGateUp: {
      const bool tabled = shape.traits().activation == model::Activation::GeluTable;
      recorder.dispatch(
          kernels.ffnGateUp(layer->gateUp.matrix),
          recorder.projection(
              layer->gateUp,
              {streamTexels, Binding::texels(layer->ffnNorm.view()), Binding::whole(buffers.hidden),
               Binding::texels(tabled ? weights.geluView : layer->gateUp.matrix.scales())}),
          recorder.projectionGroups(layer->gateUp.matrix));
      return;
    }
    case Stage::FfnDown:
      recorder.dispatch(
          kernels.ffnDown(layer->ffnDown.matrix),
          recorder.projection(layer->ffnDown, {Binding::texels(buffers.hiddenView), branchTarget(step)}),
          recorder.projectionGroups(layer->ffnDown.matrix));
      recordAddBranch(recorder, step, layer->ffnPostNorm, rowCount);
      return;
    case Stage::Logits:
      recordLogits(recorder, step, form);
      return;
  }
}

}  // namespace

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
