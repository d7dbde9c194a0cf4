#include "app/cli/attention_recorder.h"

#include <algorithm>
#include <utility>

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

lanes::LaneSet::Block AttentionRecorder::blockAt(int position, int count) const {
  const formats::AttentionSelection& selection = m_rows.selection();
  if (!selection.wantsRow(position)) {
    const int unselected = position < selection.firstRow ? selection.firstRow - position : count;
    return {std::min({count, unselected, static_cast<int>(kPartTokens)})};
  }
  const std::uint64_t rowBytes =
      selection.mapCount() * (static_cast<std::uint64_t>(position) + 1) * sizeof(float);
  const std::uint64_t fitting = std::clamp<std::uint64_t>(kPartBytes / rowBytes, 1, kPartTokens);
  return {std::min({count, selection.endRow - position, static_cast<int>(fitting)}), {m_capture}};
}

void AttentionRecorder::keep(model::StepRecord& record) {
  m_rows.append(record.attention, record.position, static_cast<int>(record.tokens.size()));
  record.attention = {};
}

}  // namespace headroom::cli
