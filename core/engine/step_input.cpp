#include "core/engine/step_input.h"

#include <algorithm>
#include <vector>

namespace headroom::engine {

namespace {

using model::Capture;
using model::LogitsRequest;
using model::StepRow;

/// The captured rows are those of one sequence, in their order.
bool isCaptured(const StepRow& row, const Capture& capture) {
  return row.sequence == capture.sequence;
}

void fillInRows(StepParams& params, std::span<const StepRow> rows, const Capture& capture) {
  params.tokenCount = static_cast<std::uint32_t>(rows.size());
  params.captureRows = 0;
  for (std::size_t index = 0; index < rows.size(); ++index) {
    params.tokens[index] = {.token = static_cast<std::uint32_t>(rows[index].token),
                            .position = static_cast<std::uint32_t>(rows[index].position),
                            .sequence = static_cast<std::uint32_t>(rows[index].sequence),
                            .captureRow = isCaptured(rows[index], capture) ? params.captureRows++ : kNoSlot};
  }
}

void fillInCapture(StepParams& params, const StepShape& shape, std::span<const StepRow> rows,
                   const Capture& capture) {
  std::ranges::fill(params.layerSlots, kNoSlot);
  std::ranges::fill(params.headSlots, kNoSlot);
  int positions = 0;
  for (const StepRow& row : rows) {
    if (isCaptured(row, capture)) positions = row.position + 1;
  }
  const CaptureLayout layout = shape.captureLayout(capture, positions);
  params.captureStride = static_cast<std::uint32_t>(layout.stride);
  params.capturePooling = static_cast<std::uint32_t>(layout.pooling);
  params.captureBase = static_cast<std::uint32_t>(paddedCapture(static_cast<std::uint64_t>(layout.slotCount) *
                                                                params.captureRows * params.captureStride));
  const std::vector<int> heads = capture.wantedHeads(shape.config.attention.queryHeadCount);
  std::uint32_t slot = 0;
  for (int layer = 0; layer < shape.config.layerCount; ++layer) {
    if (!capture.wants(layer)) continue;
    params.layerSlots[layer] = slot;
    slot += static_cast<std::uint32_t>(heads.size());
  }
  for (std::size_t index = 0; index < heads.size(); ++index) {
    params.headSlots[heads[index]] = static_cast<std::uint32_t>(index);
  }
}

void fillInLogits(StepParams& params, const StepShape& shape, std::span<const StepRow> rows,
                  const LogitsRequest& request, std::span<const int> targets) {
  const std::vector<int> wanted = model::wantedRows(rows, request.rows);
  params.logitsCount = static_cast<std::uint32_t>(wanted.size());
  params.topCount = static_cast<std::uint32_t>(std::min(request.topCount, shape.config.vocabSize));
  for (std::size_t index = 0; index < wanted.size(); ++index) {
    const auto row = static_cast<std::size_t>(wanted[index]);
    params.logitsRows[index] = static_cast<std::uint32_t>(row);
    params.targets[index] = targets.empty() ? kNoSlot : static_cast<std::uint32_t>(targets[row]);
  }
}

}  // namespace

namespace {

/// Without room for captured values: more rows than have room for themselves only of texts by query tiles,
/// without logits of every row.
std::size_t stepRows(const StepShape& shape, std::span<const StepRow> rows, LogitsRequest::Rows logits) {
  const auto single = static_cast<std::size_t>(shape.singleRows());
  const bool needsSingle = logits == LogitsRequest::Rows::All;
  const std::size_t length =
      model::stepLength(rows, needsSingle ? single : static_cast<std::size_t>(shape.blockTokens));
  if (length <= single) return length;
  std::vector<TokenParams> tokens;
  for (const StepRow& row : rows.first(length)) {
    tokens.push_back({.position = static_cast<std::uint32_t>(row.position),
                      .sequence = static_cast<std::uint32_t>(row.sequence)});
  }
  return shape.textsOf(tokens) > 0 ? length : model::stepLength(rows, single);
}

}  // namespace

std::size_t stepRows(const StepShape& shape, std::span<const StepRow> rows,
                     const model::StepRequest& request) {
  const Capture& capture = request.capture;
  const std::size_t length = stepRows(shape, rows, request.logits.rows);
  std::vector<std::size_t> captured;  // of the rows that are
  for (std::size_t index = 0; index < length; ++index) {
    if (isCaptured(rows[index], capture)) captured.push_back(index);
  }
  if (captured.empty()) return length;
  const auto room = static_cast<std::size_t>(
      shape.captureRows(capture, rows[captured.front()].position, static_cast<int>(captured.size())));
  return room >= captured.size() ? length : model::stepLength(rows, std::max<std::size_t>(1, captured[room]));
}

StepForm fillIn(StepParams& params, const StepShape& shape, std::span<const StepRow> rows,
                const model::StepRequest& request, std::span<const int> targets) {
  fillInRows(params, rows, request.capture);
  fillInCapture(params, shape, rows, request.capture);
  fillInLogits(params, shape, rows, request.logits, targets);
  const bool summarises = request.logits.form == LogitsRequest::Form::Summary && params.logitsCount > 0;
  StepForm form{.rows = static_cast<int>(rows.size()),
                .logitsRows = static_cast<int>(params.logitsCount),
                .texts = shape.textsOf(std::span(params.tokens).first(rows.size())),
                .logits = summarises ? LogitsTarget::Summary : LogitsTarget::Host,
                .timesStages = request.timesStages};
  if (params.captureRows == 0) return form;
  for (const model::ActivationRequest& activations : request.capture.activations) {
    for (const int layer : activations.layers) form.captures.push_back({activations.point, layer});
  }
  return form;
}

std::optional<int> firstCaptured(const StepParams& params) {
  const auto rows = std::span(params.tokens).first(params.tokenCount);
  const auto first = std::ranges::find(rows, 0u, &TokenParams::captureRow);
  return first == rows.end() ? std::nullopt : std::optional(static_cast<int>(first->position));
}

}  // namespace headroom::engine
