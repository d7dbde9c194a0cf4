#include "core/reference/captured_rows.h"

#include <algorithm>

namespace headroom::reference {

namespace {
bool isCaptured(const model::AttentionRows& rows, int layer) {
  return std::binary_search(rows.layers.begin(), rows.layers.end(), layer);
}
}  // namespace

model::AttentionRows rowsFor(const model::Capture& capture, const model::ModelConfig& config, int position,
                             int count) {
  model::AttentionRows rows;
  for (int layer = 0; layer < config.layerCount; ++layer) {
    if (capture.wants(layer)) rows.layers.push_back(layer);
  }
  if (rows.layers.empty()) return rows;
  rows.queryHeads = capture.wantedHeads(config.attention.queryHeadCount);
  rows.rowCount = count;
  rows.firstPosition = position;
  rows.rowStride = position + count;
  rows.values.assign(rows.layers.size() * rows.queryHeads.size() * static_cast<std::size_t>(rows.rowCount) *
                         static_cast<std::size_t>(rows.rowStride),
                     0.0f);
  return rows;
}

std::vector<model::Activations> activationsFor(const model::Capture& capture,
                                               const model::ModelConfig& config, int position, int count) {
  std::vector<model::Activations> all;
  for (const model::ActivationRequest& request : capture.activations) {
    for (const int layer : request.layers) {
      const int columns = model::columnsAt(request.point, config);
      all.push_back({.point = request.point,
                     .layer = layer,
                     .rowCount = count,
                     .firstPosition = position,
                     .columns = columns,
                     .values = std::vector<float>(static_cast<std::size_t>(count) *
                                                  static_cast<std::size_t>(columns))});
    }
  }
  return all;
}

std::vector<std::span<float>> targetsOf(std::vector<model::Activations>& activations,
                                        model::CapturePoint point, int layer, int token) {
  std::vector<std::span<float>> targets;
  for (model::Activations& values : activations) {
    if (values.point != point || values.layer != layer) continue;
    const auto columns = static_cast<std::size_t>(values.columns);
    targets.push_back(std::span(values.values).subspan(static_cast<std::size_t>(token) * columns, columns));
  }
  return targets;
}

void keepRow(std::span<const double> attention, std::size_t first, int layer, int head, int token,
             model::AttentionRows& rows) {
  if (!isCaptured(rows, layer) || !std::ranges::binary_search(rows.queryHeads, head)) return;
  const auto index = std::ranges::lower_bound(rows.layers, layer) - rows.layers.begin();
  const auto headIndex = std::ranges::lower_bound(rows.queryHeads, head) - rows.queryHeads.begin();
  const std::size_t row =
      (static_cast<std::size_t>(index) * rows.queryHeads.size() + static_cast<std::size_t>(headIndex)) *
          static_cast<std::size_t>(rows.rowCount) +
      static_cast<std::size_t>(token);
  float* target = rows.values.data() + row * static_cast<std::size_t>(rows.rowStride);
  for (std::size_t i = 0; i < attention.size(); ++i) target[first + i] = static_cast<float>(attention[i]);
}

std::uint64_t capturedBytes(const model::AttentionRows& rows, int layer) {
  if (!isCaptured(rows, layer)) return 0;
  std::uint64_t elements = 0;
  for (int row = 0; row < rows.rowCount; ++row) {
    elements += static_cast<std::uint64_t>(rows.firstPosition + row + 1);
  }
  return elements * rows.queryHeads.size() * sizeof(float);
}

}  // namespace headroom::reference
