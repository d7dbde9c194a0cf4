#include "app/session/lane_trace.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "app/session/display_text.h"
#include "core/analysis/divergence.h"
#include "core/analysis/head_statistics.h"
#include "core/analysis/speed_comparison.h"
#include "core/model/step_memory.h"

namespace headroom::session {

namespace {

/// Rows may come with the stride of the whole context; what is kept has the stride of the step.
void compact(model::AttentionRows& rows) {
  if (rows.rowCount == 0) return;
  const int needed = rows.valueCount(rows.rowCount - 1);
  if (rows.layers.empty() || rows.rowStride <= needed + needed / 4) {
    rows.values.shrink_to_fit();
    return;
  }
  const std::size_t rowTotal =
      rows.layers.size() * rows.queryHeads.size() * static_cast<std::size_t>(rows.rowCount);
  std::vector<float> values(rowTotal * static_cast<std::size_t>(needed));
  for (std::size_t row = 0; row < rowTotal; ++row) {
    std::copy_n(
        rows.values.begin() + static_cast<std::ptrdiff_t>(row * static_cast<std::size_t>(rows.rowStride)),
        needed, values.begin() + static_cast<std::ptrdiff_t>(row * static_cast<std::size_t>(needed)));
  }
  rows.values = std::move(values);
  rows.rowStride = needed;
}

constexpr std::uint64_t kReplayedBytes = 64ull << 20;
constexpr std::size_t kReplayedBlocks = 64;

/// The row of one head at `position`; empty when it is not among `rows`.
std::span<const float> rowOf(const model::AttentionRows& rows, int layer, int queryHead, int position) {
  const auto indexOf = [](const std::vector<int>& ascending, int value) {
    const auto found = std::lower_bound(ascending.begin(), ascending.end(), value);
    return found != ascending.end() && *found == value ? static_cast<int>(found - ascending.begin()) : -1;
  };
  const int layerIndex = indexOf(rows.layers, layer);
  const int headIndex = indexOf(rows.queryHeads, queryHead);
  const int row = position - rows.firstPosition;
  if (layerIndex < 0 || headIndex < 0 || row < 0 || row >= rows.rowCount || rows.values.empty()) return {};
  return rows.row(layerIndex, headIndex, row);
}

template <typename Element>
std::uint64_t bytesOf(const std::vector<Element>& elements) {
  return elements.capacity() * sizeof(Element);
}

}  // namespace

LaneTrace::LaneTrace(LaneInfo info) : m_info(std::move(info)) {
  m_texts.reserve(static_cast<std::size_t>(m_info.config.vocabSize));
  for (int token = 0; token < m_info.config.vocabSize; ++token) {
    m_texts.push_back(text::shownToken(token, bytes(token), endsText(token)));
  }
  clear();
}

bool LaneTrace::endsText(int token) const {
  return std::ranges::find(m_info.endTokens, token) != m_info.endTokens.end();
}

void LaneTrace::clear() {
  m_tokens.clear();
  m_choices.clear();
  m_chosen.clear();
  m_fed.clear();
  m_stepOfPosition.clear();
  m_steps.clear();
  m_overviews = std::vector<analysis::PooledMap>(static_cast<std::size_t>(layerCount() * queryHeadCount()));
  m_promptLength = 0;
  m_filledLength = 0;
  m_turnsFrom = 0;
  m_firstDisagreement.reset();
  m_recordBytes = 0;
  m_overviewBytes = 0;
  m_replayedBytes = 0;
  m_firstStepInLayers = 0;
  m_firstStepWithRows = 0;
  m_replayed.clear();
  ++m_replayCount;
}

void LaneTrace::append(LaneStep step) {
  model::StepRecord& record = step.record;
  assert(record.position == length());
  const int first = length();
  m_tokens.insert(m_tokens.end(), record.tokens.begin(), record.tokens.end());
  m_stepOfPosition.resize(m_tokens.size(), stepCount());
  m_promptLength = std::min(step.promptLength, length());
  if (step.isFilling) m_filledLength = length();
  if (step.isFilling || step.isCatchingUp) m_turnsFrom = length();
  m_choices.resize(m_tokens.size(), -1);
  if (step.choice >= 0) m_choices.push_back(step.choice);
  m_fed.resize(m_tokens.size());
  if (record.tokens.size() == 1) m_fed.back() = step.fed;
  m_chosen.resize(m_tokens.size());
  if (step.choice >= 0) m_chosen.push_back(step.chosen);
  // Of a lane that came later, and made no choices for the text that it was fed, it is not known.
  const bool isKnown = m_filledLength <= m_promptLength;
  if (!step.isFilling && !m_firstDisagreement && isKnown) {
    m_firstDisagreement = analysis::firstDisagreement(m_tokens, m_choices, first);
  }

  compact(record.attention);
  addToOverviews(record.attention);
  keepRecord(std::move(record));
}

void LaneTrace::addToOverviews(const model::AttentionRows& rows) {
  for (std::size_t layerIndex = 0; layerIndex < rows.layers.size(); ++layerIndex) {
    for (int headIndex = 0; headIndex < rows.queryHeadCount(); ++headIndex) {
      const int queryHead = rows.queryHeads[static_cast<std::size_t>(headIndex)];
      analysis::PooledMap& map =
          m_overviews[static_cast<std::size_t>(rows.layers[layerIndex] * queryHeadCount() + queryHead)];
      const std::size_t before = map.cells().size_bytes();
      for (int row = 0; row < rows.rowCount; ++row) {
        map.addRow(rows.firstPosition + row, rows.row(static_cast<int>(layerIndex), headIndex, row),
                   rows.pooling);
      }
      m_overviewBytes += map.cells().size_bytes() - before;
    }
  }
}

void LaneTrace::keepRecord(model::StepRecord record) {
  m_recordBytes += model::memoryOf(record) - sizeof record;
  m_steps.push_back(std::move(record));
}

template <typename Change>
void LaneTrace::changeRecord(std::size_t step, const Change& change) {
  model::StepRecord& record = m_steps[step];
  m_recordBytes -= model::memoryOf(record) - sizeof record;
  change(record);
  m_recordBytes += model::memoryOf(record) - sizeof record;
}

std::string_view LaneTrace::text(int token) const {
  const auto index = static_cast<std::size_t>(token);
  return token >= 0 && index < m_texts.size() ? std::string_view(m_texts[index]) : std::string_view();
}

std::string_view LaneTrace::bytes(int token) const {
  const auto index = static_cast<std::size_t>(token);
  return token >= 0 && index < m_info.pieces.size() ? std::string_view(m_info.pieces[index])
                                                    : std::string_view();
}

std::string LaneTrace::labelAt(int position) const {
  return tokenLabel(text(m_tokens[static_cast<std::size_t>(position)]));
}

model::RankedToken LaneTrace::fedAt(int position) const {
  return position < length() ? m_fed[static_cast<std::size_t>(position)] : model::RankedToken{};
}

model::RankedToken LaneTrace::chosenAt(int position) const {
  const auto index = static_cast<std::size_t>(position);
  return index < m_chosen.size() ? m_chosen[index] : model::RankedToken{};
}

const model::StepRecord* LaneTrace::predictionOf(int position) const {
  if (position >= length()) return m_steps.empty() ? nullptr : &m_steps.back();
  const int step = stepIndexAt(position);
  return position >= m_filledLength && step > 0 ? &m_steps[static_cast<std::size_t>(step - 1)] : nullptr;
}

std::span<const float> LaneTrace::attentionRow(int layer, int queryHead, int position) const {
  const PooledRow row = pooledRow(layer, queryHead, position);
  return row.pooling == 1 ? row.values : std::span<const float>();
}

PooledRow LaneTrace::pooledRow(int layer, int queryHead, int position) const {
  if (position < 0 || position >= length()) return {};
  const model::AttentionRows& captured = stepAt(position).attention;
  const std::span<const float> row = rowOf(captured, layer, queryHead, position);
  if (!row.empty() && captured.pooling == 1) return {row, 1};
  for (auto rows = m_replayed.rbegin(); rows != m_replayed.rend(); ++rows) {
    const std::span<const float> replayed = rowOf(*rows, layer, queryHead, position);
    if (!replayed.empty()) return {replayed, rows->pooling};
  }
  return {row, captured.pooling};
}

std::vector<float> LaneTrace::spreadRow(int layer, int queryHead, int position) const {
  const PooledRow row = pooledRow(layer, queryHead, position);
  if (row.values.empty()) return {};
  std::vector<float> spread(static_cast<std::size_t>(position) + 1);
  for (std::size_t at = 0; at < spread.size(); ++at) {
    spread[at] = row.values[at / static_cast<std::size_t>(row.pooling)];
  }
  return spread;
}

void LaneTrace::addReplayed(std::vector<model::AttentionRows> blocks) {
  for (model::AttentionRows& rows : blocks) {
    compact(rows);
    m_replayedBytes += model::memoryOf(rows);
    m_replayed.push_back(std::move(rows));
  }
  while (m_replayed.size() > 1 && (m_replayed.size() > kReplayedBlocks || m_replayedBytes > kReplayedBytes)) {
    dropOldestReplayed();
  }
  ++m_replayCount;
}

void LaneTrace::dropOldestReplayed() {
  m_replayedBytes -= model::memoryOf(m_replayed.front());
  m_replayed.erase(m_replayed.begin());
}

model::DecoderOptions LaneTrace::options() const {
  return {.kvType = m_info.kvType,
          .contextLength = m_info.contextLength,
          .batch = m_info.batch,
          .attention = m_info.attention};
}

std::span<const model::StepRecord> LaneTrace::decodeSteps(int position) const {
  return stepsBetween(m_filledLength, position);
}

std::span<const model::StepRecord> LaneTrace::turns(int position, int since) const {
  return stepsBetween(std::max(m_turnsFrom, since), position);
}

std::span<const model::StepRecord> LaneTrace::stepsBetween(int from, int position) const {
  if (position < from || position >= length()) return {};
  const auto first = static_cast<std::size_t>(stepIndexAt(from));
  return std::span(m_steps).subspan(first, static_cast<std::size_t>(stepIndexAt(position)) + 1 - first);
}

std::span<const model::StepRecord> LaneTrace::comparable(int position, int since) const {
  const std::span<const model::StepRecord> steps = turns(position, since);
  return steps.size() < analysis::kFewestPairs ? turns(position) : steps;
}

analysis::LaneMeasurement LaneTrace::measured(int position, int since) const {
  std::span<const model::StepRecord> steps = comparable(position, since);
  if (steps.size() < analysis::kFewestPairs) steps = decodeSteps(position);
  return analysis::measureLane(m_info.config, options(), steps, decodeSteps(position));
}

std::vector<float> LaneTrace::meanAttentionRow(int position) const {
  std::vector<float> mean;
  int count = 0;
  for (int layer = 0; layer < layerCount(); ++layer) {
    for (int head = 0; head < queryHeadCount(); ++head) {
      const std::vector<float> row = spreadRow(layer, head, position);
      if (row.empty()) continue;
      analysis::addRow(row, mean);
      ++count;
    }
  }
  for (float& attention : mean) attention /= static_cast<float>(count);
  return mean;
}

const analysis::PooledMap& LaneTrace::overview(int layer, int queryHead) const {
  return m_overviews[static_cast<std::size_t>(layer * queryHeadCount() + queryHead)];
}

std::uint64_t LaneTrace::heldBytes() const {
  return bytesOf(m_tokens) + bytesOf(m_choices) + bytesOf(m_chosen) + bytesOf(m_fed) +
         bytesOf(m_stepOfPosition) + bytesOf(m_steps) + m_recordBytes + bytesOf(m_overviews) +
         m_overviewBytes + bytesOf(m_replayed) + m_replayedBytes;
}

bool LaneTrace::canThin() const {
  return hasLayersToAddUp() || m_firstStepWithRows < m_steps.size() || m_replayed.size() > 1;
}

void LaneTrace::thin() {
  if (hasLayersToAddUp()) {
    changeRecord(m_firstStepInLayers++, model::addUpLayers);
  } else if (m_firstStepWithRows < m_steps.size()) {
    changeRecord(m_firstStepWithRows++, [](model::StepRecord& record) {
      record.attention = {};
      record.activations = {};
      record.logits = {};
      record.summaries = {};
    });
  } else if (m_replayed.size() > 1) {
    dropOldestReplayed();
    ++m_replayCount;
  }
}

}  // namespace headroom::session
