#include "core/model/trace_decoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/model/attention_pooling.h"
#include "core/model/error.h"

namespace headroom::model {

namespace {
/// Far enough below 0 that no temperature brings it back.
constexpr float kNever = -1e30f;
}  // namespace

TraceDecoder::TraceDecoder(Trace trace)
    : m_trace(std::move(trace)), m_next(static_cast<std::size_t>(m_trace.config.vocabSize), kNever) {
  m_options.contextLength = static_cast<int>(m_trace.tokens.size());
}

void TraceDecoder::truncate(int positions) {
  m_position = std::clamp(positions, 0, m_position);
}

void TraceDecoder::nameNext() {
  m_next[static_cast<std::size_t>(m_named)] = kNever;
  const auto at = static_cast<std::size_t>(m_position);
  m_named = at < m_trace.tokens.size() ? m_trace.tokens[at] : m_trace.tokens.back();
  m_next[static_cast<std::size_t>(m_named)] = 0.0f;
}

AttentionRows TraceDecoder::rows(int firstPosition, int count, const Capture& capture) const {
  AttentionRows result;
  for (int layer = 0; layer < m_trace.config.layerCount; ++layer) {
    if (m_trace.recorded.holds(layer, firstPosition) && capture.wants(layer)) result.layers.push_back(layer);
  }
  if (result.layers.empty()) return {};
  result.queryHeads = capture.wantedHeads(m_trace.config.attention.queryHeadCount);
  result.rowCount = count;
  result.firstPosition = firstPosition;
  result.pooling = poolingFor(firstPosition + count, capture.cells);
  result.rowStride = result.valueCount(count - 1);
  const auto tokens = static_cast<std::int64_t>(m_trace.tokens.size());
  std::vector<float> whole(static_cast<std::size_t>(tokens));
  for (int layer : result.layers) {
    for (int head : result.queryHeads) {
      for (int row = 0; row < count; ++row) {
        const std::int64_t index = static_cast<std::int64_t>(head) * m_trace.recorded.rowCount +
                                   firstPosition + row - m_trace.recorded.firstRow;
        m_trace.attention[static_cast<std::size_t>(layer)].readRow(index, whole);
        const std::size_t start = result.values.size();
        result.values.resize(start + static_cast<std::size_t>(result.rowStride));
        poolRow(std::span(whole).first(static_cast<std::size_t>(firstPosition + row) + 1), result.pooling,
                std::span(result.values).subspan(start, static_cast<std::size_t>(result.valueCount(row))));
      }
    }
  }
  return result;
}

/// How many of `count` positions are like the first one: with recorded rows, or without.
int TraceDecoder::countAlike(int firstPosition, int count) const {
  int alike = 1;
  while (alike < count &&
         m_trace.recorded.holdsRow(firstPosition + alike) == m_trace.recorded.holdsRow(firstPosition)) {
    ++alike;
  }
  return alike;
}

std::vector<AttentionRows> TraceDecoder::replay(int firstPosition, std::span<const int> tokens,
                                                const Capture& capture) {
  checkReplay(firstPosition, tokens, m_position);
  std::vector<AttentionRows> blocks;
  const auto total = static_cast<int>(tokens.size());
  for (int done = 0; done < total;) {
    const int count = countAlike(firstPosition + done, total - done);
    AttentionRows block = rows(firstPosition + done, count, capture);
    if (!block.layers.empty()) blocks.push_back(std::move(block));
    done += count;
  }
  return blocks;
}

std::vector<StepRecord> TraceDecoder::run(std::span<const int> tokens, const Capture& capture) {
  requireTokens(tokens);
  const std::size_t first = static_cast<std::size_t>(m_position);
  if (tokens.size() > m_trace.tokens.size() - first) {
    throw Error(fmt::format("The trace has {} tokens; {} are played and {} more were asked for.",
                            m_trace.tokens.size(), m_position, tokens.size()));
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] == m_trace.tokens[first + i]) continue;
    throw Error(
        fmt::format("The trace holds token {} at position {} and cannot show what {} would have done.",
                    m_trace.tokens[first + i], first + i, tokens[i]));
  }
  m_allLogits.clear();
  std::vector<StepRecord> records;
  while (!tokens.empty()) {
    const auto count = static_cast<std::size_t>(countAlike(m_position, static_cast<int>(tokens.size())));
    records.push_back(play(tokens.first(count), capture));
    tokens = tokens.subspan(count);
  }
  nameNext();
  return records;
}

/// Tokens of one record.
StepRecord TraceDecoder::play(std::span<const int> tokens, const Capture& capture) {
  const auto first = static_cast<std::size_t>(m_position);
  StepRecord record{.tokens = {tokens.begin(), tokens.end()}, .position = m_position};
  record.attention = rows(m_position, static_cast<int>(tokens.size()), capture);
  if (!m_trace.logits.empty()) {
    std::vector<float> logits(static_cast<std::size_t>(m_trace.config.vocabSize));
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      m_trace.logits.readRow(static_cast<std::int64_t>(first + i), logits);
      if (m_keepsAllLogits) m_allLogits.insert(m_allLogits.end(), logits.begin(), logits.end());
    }
    Distribution next = summarise(logits, kCandidateCount);
    record.candidates = std::move(next.candidates);
    record.nextTokenEntropy = next.entropy;
  }
  m_position += static_cast<int>(tokens.size());
  record.cacheBytesUsed =
      kvCacheBytes(m_trace.config, m_options.kvType, static_cast<std::uint64_t>(m_position));
  record.cacheBytesAllocated =
      kvCacheBytes(m_trace.config, m_options.kvType, static_cast<std::uint64_t>(m_trace.tokens.size()));
  return record;
}

}  // namespace headroom::model
