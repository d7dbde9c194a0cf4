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

void TraceDecoder::truncateSequence(int, int positions) {
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

std::vector<StepRecord> TraceDecoder::runRows(std::span<const StepRow> rows, const StepRequest& request) {
  requireRows(rows);
  const auto first = static_cast<std::size_t>(m_position);
  if (rows.size() > m_trace.tokens.size() - first) {
    throw Error(fmt::format("The trace has {} tokens; {} are played and {} more were asked for.",
                            m_trace.tokens.size(), m_position, rows.size()));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].token == m_trace.tokens[first + i]) continue;
    throw Error(
        fmt::format("The trace holds token {} at position {} and cannot show what {} would have done.",
                    m_trace.tokens[first + i], first + i, rows[i].token));
  }
  std::vector<StepRecord> records;
  std::span<const int> targets = request.logits.targets;
  while (!rows.empty()) {
    const auto count = static_cast<std::size_t>(countAlike(m_position, static_cast<int>(rows.size())));
    const std::size_t asked = std::min(targets.size(), count);
    records.push_back(play(rows.first(count), request, targets.first(asked)));
    rows = rows.subspan(count);
    targets = targets.subspan(asked);
  }
  nameNext();
  return records;
}

void TraceDecoder::addLogits(StepRecord& record, const LogitsRequest& request,
                             std::span<const int> targets) const {
  if (m_trace.logits.empty()) return;
  std::vector<float> logits(static_cast<std::size_t>(m_trace.config.vocabSize));
  for (const int row : wantedRows(record.rows, request.rows)) {
    m_trace.logits.readRow(record.position + row, logits);
    if (request.form == LogitsRequest::Form::Summary) {
      const int target = targets.empty() ? -1 : targets[static_cast<std::size_t>(row)];
      record.summaries.push_back(summaryOf(std::span<const float>(logits), row, target, request.topCount));
    } else if (request.rows == LogitsRequest::Rows::All) {
      record.logits.insert(record.logits.end(), logits.begin(), logits.end());
    }
  }
  m_trace.logits.readRow(record.position + std::ssize(record.rows) - 1, logits);
  addCandidates(logits, record);
}

/// Rows of one record.
StepRecord TraceDecoder::play(std::span<const StepRow> rows, const StepRequest& request,
                              std::span<const int> targets) {
  StepRecord record = recordOf(rows);
  record.attention = this->rows(m_position, static_cast<int>(rows.size()), request.capture);
  addLogits(record, request.logits, targets);
  m_position += static_cast<int>(rows.size());
  record.cacheBytesUsed =
      kvCacheBytes(m_trace.config, m_options.kvType, static_cast<std::uint64_t>(m_position));
  record.cacheBytesAllocated =
      kvCacheBytes(m_trace.config, m_options.kvType, static_cast<std::uint64_t>(m_trace.tokens.size()));
  return record;
}

}  // namespace headroom::model
