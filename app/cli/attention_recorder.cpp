#include "app/cli/attention_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/cli/interrupt.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {
/// What the captured rows of a part may take.
constexpr std::uint64_t kPartBytes = 64u << 20;
/// Most tokens of a part: between two of them the user may interrupt.
constexpr std::uint64_t kPartTokens = 512;
}  // namespace

AttentionRecorder::AttentionRecorder(formats::AttentionSelection selection,
                                     const formats::OutputTarget& target)
    : m_capture{.layers = selection.layers, .queryHeads = selection.queryHeads},
      m_rows(std::move(selection), target) {}

/// Tokens from `position` on that are run at once: all of them selected, or none.
int AttentionRecorder::partAt(int position, int count) const {
  const formats::AttentionSelection& selection = m_rows.selection();
  if (!selection.wantsRow(position)) {
    const int unselected = position < selection.firstRow ? selection.firstRow - position : count;
    return std::min({count, unselected, static_cast<int>(kPartTokens)});
  }
  const std::uint64_t rowBytes =
      selection.mapCount() * (static_cast<std::uint64_t>(position) + 1) * sizeof(float);
  const std::uint64_t fitting = std::clamp<std::uint64_t>(kPartBytes / rowBytes, 1, kPartTokens);
  return std::min({count, selection.endRow - position, static_cast<int>(fitting)});
}

std::vector<model::StepRecord> AttentionRecorder::run(model::Decoder& decoder, std::span<const int> tokens) {
  // What does not fit is refused as a whole, before a part of it is run.
  if (std::ssize(tokens) > decoder.options().contextLength - decoder.position()) {
    return decoder.run(tokens, model::Capture::none());
  }
  std::vector<model::StepRecord> all;
  for (std::size_t done = 0; done < tokens.size();) {
    if (done > 0 && interrupted()) {
      throw model::Cancelled(fmt::format("Interrupted after {} of {} tokens", done, tokens.size()));
    }
    const int position = decoder.position();
    const int count = partAt(position, static_cast<int>(tokens.size() - done));
    const bool isSelected = m_rows.selection().wantsRow(position);
    auto records = decoder.run(tokens.subspan(done, static_cast<std::size_t>(count)),
                               isSelected ? m_capture : model::Capture::none());
    for (model::StepRecord& record : records) {
      m_rows.append(record.attention, record.position, static_cast<int>(record.tokens.size()));
      record.attention = {};
    }
    std::move(records.begin(), records.end(), std::back_inserter(all));
    done += static_cast<std::size_t>(count);
  }
  return all;
}

}  // namespace headroom::cli
