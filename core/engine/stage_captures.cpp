#include "core/engine/stage_captures.h"

#include "core/engine/softmax_extent.h"
#include "core/engine/step_input.h"
#include "core/model/capture_place.h"
#include "core/model/rope.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

using model::CapturePoint;
using model::Stage;
using vulkan::Binding;

constexpr std::uint64_t kInvocations = HEADROOM_COPY_ROWS_INVOCATIONS;

struct Source {
  Binding binding;
  std::uint64_t stride;  ///< floats per row
};

Source sourceOf(const StepResources& step, const CapturedPlace& place, std::uint64_t columns) {
  switch (place.point) {
    case CapturePoint::Residual:
      return {Binding::whole(step.buffers.stream), step.shape.streamColumns()};
    case CapturePoint::Keys:
      return {step.cache.keyStorage(place.layer), 0};
    case CapturePoint::Values:
      return {step.cache.valueStorage(place.layer), 0};
    case CapturePoint::SoftmaxExtents:
      return {Binding::whole(step.buffers.extent), columns};
    default:
      return {Binding::whole(step.buffers.query), columns};
  }
}

/// Maximum and sum of every head from those of the context's chunks: [chunk][head][2] to [head][2].
void mergeExtents(std::span<const float> chunks, std::span<float> heads) {
  for (std::size_t head = 0; head < heads.size(); head += 2) {
    const SoftmaxExtent merged = mergedExtent(chunks.size() / heads.size(), [&](std::size_t chunk) {
      const std::size_t at = chunk * heads.size() + head;
      return SoftmaxExtent{chunks[at], chunks[at + 1]};
    });
    heads[head] = merged.maximum;
    heads[head + 1] = static_cast<float>(merged.sum);
  }
}

/// One row in the order of the model's file.
void readRow(const StepShape& shape, CapturePoint point, std::span<const float> from, std::span<float> to) {
  if (point == CapturePoint::SoftmaxExtents) {
    mergeExtents(from, to);
  } else if (point == CapturePoint::Queries || point == CapturePoint::Keys) {
    // On the device the pairs that RoPE turns lie side by side.
    for (std::size_t i = 0; i < to.size(); ++i) {
      to[static_cast<std::size_t>(model::adjacentPairRow(shape.config, static_cast<std::int64_t>(i)))] =
          from[i];
    }
  } else {
    std::ranges::copy(from, to.begin());
  }
}

/// Of places within a layer; the stream behind the last has none.
std::uint32_t windowOf(const StepShape& shape, const CapturedPlace& place) {
  if (place.point != CapturePoint::HeadOutputs) return 0;
  return static_cast<std::uint32_t>(shape.config.windowOf(place.layer));
}

}  // namespace

std::vector<StageCapture> capturesOf(const StepShape& shape, const StepForm& form, Stage stage, int layer) {
  std::vector<StageCapture> captures;
  std::uint64_t before = 0;
  for (const CapturedPlace& place : form.captures) {
    const std::uint64_t columns = shape.capturedColumns(place.point);
    if (model::madeBy(place.point, place.layer) == std::pair(stage, layer))
      captures.push_back({place, columns, before});
    before += paddedCapture(columns);
  }
  return captures;
}

void recordCapture(StageRecorder& recorder, const StepResources& step, const StageCapture& capture,
                   int rowCount) {
  const Source source = sourceOf(step, capture.place, capture.columns);
  const CaptureRowsParams push{.columns = static_cast<std::uint32_t>(capture.columns),
                               .stride = static_cast<std::uint32_t>(source.stride),
                               .columnsBefore = static_cast<std::uint32_t>(capture.columnsBefore),
                               .window = windowOf(step.shape, capture.place)};
  const auto pushed = std::as_bytes(std::span(&push, 1));
  const auto groups = [&](std::uint64_t count) {
    return vulkan::GroupCount{static_cast<std::uint32_t>((count + kInvocations - 1) / kInvocations),
                              static_cast<std::uint32_t>(rowCount), 1};
  };
  const Binding captured = Binding::whole(step.buffers.captured);
  switch (capture.place.point) {
    case CapturePoint::HeadOutputs:
      recorder.dispatch(step.kernels.captureHeads(),
                        {.stepParams = recorder.params(),
                         .partial = Binding::texels(step.buffers.partialView),
                         .extent = Binding::texels(step.buffers.extentView),
                         .captured = captured},
                        groups(capture.columns / 4), pushed);
      return;
    case CapturePoint::Keys:
    case CapturePoint::Values:
      recorder.dispatch(step.kernels.captureCache(),
                        {.stepParams = recorder.params(), .source = source.binding, .captured = captured},
                        groups(capture.columns), pushed);
      return;
    default:
      recorder.dispatch(step.kernels.captureRows(),
                        {.stepParams = recorder.params(), .source = source.binding, .captured = captured},
                        groups(capture.columns), pushed);
  }
}

StageTraffic captureTraffic(const StepShape& shape, const StageCapture& capture,
                            std::span<const TokenParams> tokens) {
  StageTraffic traffic;
  std::uint64_t rows = 0;
  std::uint64_t used = 0;  // chunks of all captured rows
  for (const TokenParams& token : tokens) {
    if (token.captureRow == kNoSlot) continue;
    ++rows;
    if (capture.place.point == CapturePoint::HeadOutputs)
      used += static_cast<std::uint64_t>(shape.usedChunks(token.position + 1ull, capture.place.layer));
  }
  const std::uint64_t bytes = rows * capture.columns * sizeof(float);
  for (model::Traffic* kind : {&traffic.issued, &traffic.logical}) kind->captureWritten = bytes;
  switch (capture.place.point) {
    case CapturePoint::Keys:
    case CapturePoint::Values:
      traffic.issued.kvRead =
          rows * capture.columns * static_cast<std::uint64_t>(model::bytesPerElement(shape.options.kvType));
      traffic.logical.kvRead = traffic.issued.kvRead;
      break;
    case CapturePoint::HeadOutputs:
      traffic.issued.activationsRead = used * capture.columns / 4 * kMergedTexelBytes;
      traffic.logical.activationsRead =
          used * (capture.columns + 2 * static_cast<std::uint64_t>(shape.config.attention.queryHeadCount)) *
          sizeof(float);
      break;
    default:
      traffic.issued.activationsRead = traffic.logical.activationsRead = bytes;
  }
  return traffic;
}

std::vector<model::Activations> readCaptures(const StepShape& shape, const StepBuffers& buffers,
                                             const StepForm& form) {
  std::vector<model::Activations> all;
  const StepParams& params = buffers.params.mapped<const StepParams>()[0];
  const std::optional<int> first = firstCaptured(params);
  if (!first) return all;
  auto from = buffers.captured.mapped<const float>().subspan(params.captureBase);
  for (const CapturedPlace& place : form.captures) {
    const std::uint64_t copied = shape.capturedColumns(place.point);
    const int columns = model::columnsAt(place.point, shape.config);
    model::Activations& values = all.emplace_back(model::Activations{
        .point = place.point,
        .layer = place.layer,
        .rowCount = static_cast<int>(params.captureRows),
        .firstPosition = *first,
        .columns = columns,
        .values = std::vector<float>(params.captureRows * static_cast<std::size_t>(columns))});
    for (std::size_t row = 0; row < params.captureRows; ++row) {
      readRow(shape, place.point, from.subspan(row * paddedCapture(copied), copied),
              std::span(values.values)
                  .subspan(row * static_cast<std::size_t>(columns), static_cast<std::size_t>(columns)));
    }
    from = from.subspan(params.captureRows * paddedCapture(copied));
  }
  return all;
}

}  // namespace headroom::engine
