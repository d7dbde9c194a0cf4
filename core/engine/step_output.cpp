#include "core/engine/step_output.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/engine/softmax_extent.h"
#include "core/engine/step_input.h"
#include "core/model/finite.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

/// As the device writes it.
struct StoredExtent {
  float maximum;
  float sum;
};

/// Attention from scores and the extents of all chunks; each value of `out` is the largest of `pooling`
/// scores. The first `unseen` scores lie before the layer's window and were not written: they are 0.
void normaliseRow(std::span<const float> scores, std::size_t unseen, std::span<const StoredExtent> extents,
                  int pooling, std::span<float> out) {
  const auto [highest, sum] = mergedExtent(extents.size(), [&](std::size_t chunk) {
    return SoftmaxExtent{extents[chunk].maximum, extents[chunk].sum};
  });
  const auto scale = static_cast<float>(1.0 / sum);
  std::size_t cell = 0;
  for (std::size_t first = 0; first < scores.size(); first += static_cast<std::size_t>(pooling)) {
    const std::size_t end = std::min(scores.size(), first + static_cast<std::size_t>(pooling));
    const auto pooled = scores.first(end).subspan(std::min(end, std::max(first, unseen)));
    out[cell++] = pooled.empty() ? 0.0f : scale * std::exp(*std::ranges::max_element(pooled) - highest);
  }
}

const StepParams& paramsOf(const StepBuffers& buffers) {
  return buffers.params.mapped<const StepParams>()[0];
}

/// What an AttentionRows says of its rows, without their values; no layers when nothing was captured.
model::AttentionRows headerOf(const StepShape& shape, const StepParams& params,
                              const model::Capture& capture) {
  model::AttentionRows attention;
  const std::optional<int> first = firstCaptured(params);
  if (!first) return attention;
  for (int layer = 0; layer < shape.config.layerCount; ++layer) {
    if (capture.wants(layer)) attention.layers.push_back(layer);
  }
  attention.queryHeads = capture.wantedHeads(shape.config.attention.queryHeadCount);
  attention.rowCount = static_cast<int>(params.captureRows);
  attention.firstPosition = *first;
  attention.pooling = model::poolingFor(attention.firstPosition + attention.rowCount, capture.cells);
  attention.rowStride = attention.valueCount(attention.rowCount - 1);
  return attention;
}

}  // namespace

model::AttentionRows readAttention(const StepShape& shape, const StepBuffers& buffers,
                                   const model::Capture& capture) {
  model::AttentionRows attention = headerOf(shape, paramsOf(buffers), capture);
  if (attention.layers.empty()) return {};
  const CaptureLayout layout = shape.captureLayout(capture, attention.firstPosition + attention.rowCount);
  const std::size_t rowTotal =
      static_cast<std::size_t>(layout.slotCount) * static_cast<std::size_t>(attention.rowCount);
  attention.values.assign(rowTotal * static_cast<std::size_t>(attention.rowStride), 0.0f);

  const auto scores = buffers.captured.mapped<const float>();
  const auto extents = buffers.capturedExtent.mapped<const StoredExtent>();
  const auto chunks = static_cast<std::size_t>(shape.chunkCount);
  const int valuesPerCell = attention.pooling / layout.pooling;
  for (std::size_t index = 0; index < rowTotal; ++index) {
    const int row = static_cast<int>(index) % attention.rowCount;
    const auto layer = index / static_cast<std::size_t>(attention.rowCount) / attention.queryHeads.size();
    const auto length = static_cast<std::uint64_t>(attention.firstPosition + row) + 1;
    const auto unseen = static_cast<int>(shape.firstSeen(length, attention.layers[layer]));
    const int cells = (attention.firstPosition + row + layout.pooling) / layout.pooling;
    normaliseRow(
        scores.subspan(index * static_cast<std::size_t>(layout.stride), static_cast<std::size_t>(cells)),
        static_cast<std::size_t>(unseen / layout.pooling), extents.subspan(index * chunks, chunks),
        valuesPerCell,
        std::span(attention.values).subspan(index * static_cast<std::size_t>(attention.rowStride)));
  }
  return attention;
}

std::vector<model::LogitsSummary> readSummaries(const StepBuffers& buffers) {
  const StepParams& params = paramsOf(buffers);
  const auto words = buffers.summaries.mapped<const std::uint32_t>();
  const auto number = [](std::uint32_t word) { return std::bit_cast<float>(word); };
  std::vector<model::LogitsSummary> summaries;
  for (std::uint32_t index = 0; index < params.logitsCount; ++index) {
    const auto row = words.subspan(index * std::size_t{HEADROOM_SUMMARY_WORDS}, HEADROOM_SUMMARY_WORDS);
    model::LogitsSummary& summary = summaries.emplace_back();
    summary.row = static_cast<int>(params.logitsRows[index]);
    summary.logSumExp = number(row[1]);
    summary.entropy = number(row[2]);
    if (params.targets[index] != kNoSlot) summary.targetLogProbability = number(row[3]);
    for (std::uint32_t top = 0; top < params.topCount; ++top) {
      summary.top.push_back({static_cast<int>(row[4 + 2 * top]), number(row[5 + 2 * top])});
    }
  }
  return summaries;
}

std::optional<float> nonFiniteLogit(const StepShape& shape, const StepBuffers& buffers,
                                    const StepForm& form) {
  if (form.logits == LogitsTarget::Host) {
    const std::size_t count =
        static_cast<std::size_t>(form.logitsRows) * static_cast<std::size_t>(shape.config.vocabSize);
    const auto logits = buffers.logits.mapped<const float>().first(count);
    const std::size_t index = model::firstNonFinite(logits);
    return index == logits.size() ? std::nullopt : std::optional(logits[index]);
  }
  const auto words = buffers.summaries.mapped<const std::uint32_t>();
  for (std::size_t row = 0; row < static_cast<std::size_t>(form.logitsRows); ++row) {
    if (words[row * HEADROOM_SUMMARY_WORDS] != 0) return std::numeric_limits<float>::quiet_NaN();
  }
  return std::nullopt;
}

}  // namespace headroom::engine
