#include "core/evaluation/logit_lens.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "core/evaluation/empty_afterwards.h"
#include "core/model/error.h"
#include "core/reference/output_head.h"

namespace headroom::evaluation {

namespace {

/// Rows whose logits are there at once, and these logits, unless a single row has more: the output matrix is
/// widened once for all of them.
constexpr std::int64_t kRowsAtOnce = 256;
constexpr std::int64_t kLogitsAtOnce = 8'000'000;

/// By layer, and after the last: [positions][modelDim].
using Streams = std::vector<reference::Matrix>;

/// Keeps those rows of `record` that are of `positions`.
void keepRows(const model::StepRecord& record, PositionRange positions, Streams& streams) {
  for (const model::Activations& values : record.activations) {
    for (int row = 0; row < values.rowCount; ++row) {
      const int index = values.firstPosition + row - positions.first;
      if (index < 0 || index >= positions.count) continue;
      std::ranges::copy(values.row(row), streams[static_cast<std::size_t>(values.layer)].row(index).begin());
    }
  }
}

/// Nothing when it was stopped.
std::optional<Streams> streamsOf(model::Decoder& decoder, std::span<const int> tokens,
                                 PositionRange positions, const StopRequest& stop) {
  const model::ModelConfig& config = decoder.config();
  Streams streams(static_cast<std::size_t>(config.layerCount) + 1,
                  reference::Matrix(positions.count, config.modelDim));
  std::vector<int> layers(streams.size());
  std::iota(layers.begin(), layers.end(), 0);
  const model::Capture all{.activations = {{model::CapturePoint::Residual, layers}}};
  decoder.truncate(0);
  const int end = positions.first + positions.count;
  while (decoder.position() < end) {
    if (stop()) return {};
    const int first = decoder.position();
    const int count = std::min(decoder.blockTokens(), end - first);
    const bool isKept = first + count > positions.first;
    const auto block = tokens.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    const model::StepRequest request{.capture = isKept ? all : model::Capture::none(),
                                     .logits = model::LogitsRequest::none(),
                                     .timesStages = false};
    for (const model::StepRecord& record : decoder.runRows(decoder.rowsOf(block), request))
      keepRows(record, positions, streams);
  }
  return streams;
}

}  // namespace

bool readLens(model::Decoder& decoder, const model::Model& model, std::span<const int> tokens,
              PositionRange positions, const StopRequest& stop, const KeepLensRow& keep) {
  model::checkText(decoder, tokens);
  if (positions.first < 0 || positions.count < 1 || positions.first + positions.count > std::ssize(tokens)) {
    throw model::Error(fmt::format("Positions {} to {} were asked for, the text has 0 to {}", positions.first,
                                   positions.first + positions.count - 1, tokens.size() - 1));
  }
  const EmptyAfterwards guard(decoder);
  const std::optional<Streams> streams = streamsOf(decoder, tokens, positions, stop);
  if (!streams) return false;
  const reference::OutputHead head(model);
  const int vocabSize = model.config.vocabSize;
  const int atOnce = static_cast<int>(std::clamp<std::int64_t>(kLogitsAtOnce / vocabSize, 1, kRowsAtOnce));
  for (std::size_t layer = 0; layer < streams->size(); ++layer) {
    for (int first = 0; first < positions.count; first += atOnce) {
      if (stop()) return false;
      reference::Matrix some(std::min(atOnce, positions.count - first), model.config.modelDim);
      for (std::int64_t row = 0; row < some.rows; ++row)
        std::ranges::copy((*streams)[layer].row(first + row), some.row(row).begin());
      const reference::Matrix logits = head.logits(some);
      for (std::int64_t row = 0; row < logits.rows; ++row) {
        const auto values = logits.row(row);
        keep(static_cast<int>(layer), positions.first + first + static_cast<int>(row),
             std::vector<float>(values.begin(), values.end()));
      }
    }
  }
  return true;
}

}  // namespace headroom::evaluation
