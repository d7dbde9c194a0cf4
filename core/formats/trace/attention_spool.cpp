#include "core/formats/trace/attention_spool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/model/error.h"

namespace headroom::formats {

namespace {
std::uint64_t bytesPerValue(model::Storage storage) {
  return storage == model::Storage::F16 ? 2 : 4;
}

/// Values of the rows `first` to `end` of a causal map: row r sees r + 1 positions.
std::uint64_t causalValues(int first, int end) {
  const auto triangle = [](std::uint64_t rows) { return rows * (rows + 1) / 2; };
  return triangle(static_cast<std::uint64_t>(end)) - triangle(static_cast<std::uint64_t>(first));
}
}  // namespace

std::uint64_t AttentionSelection::mapBytes(int tokens) const {
  const int rows = std::max(0, std::min(endRow, tokens) - firstRow);
  return mapCount() * static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(tokens) *
         bytesPerValue(storage);
}

std::uint64_t AttentionSelection::spoolBytes(int tokens) const {
  const int end = std::min(endRow, tokens);
  return end <= firstRow ? 0 : mapCount() * causalValues(firstRow, end) * bytesPerValue(storage);
}

AttentionSpool::AttentionSpool(AttentionSelection selection, const OutputTarget& target)
    : m_selection(std::move(selection)), m_file(target) {}

void AttentionSpool::append(const model::AttentionRows& rows, int firstPosition, int count) {
  for (int position = firstPosition; position < firstPosition + count; ++position) {
    if (!m_selection.wantsRow(position)) continue;
    const int row = position - rows.firstPosition;
    if (rows.layers != m_selection.layers || rows.queryHeads != m_selection.queryHeads || rows.pooling != 1 ||
        row < 0 || row >= rows.rowCount || position != m_selection.firstRow + m_rowCount) {
      throw model::Error(fmt::format(
          "Position {} was not captured whole: {} layers and {} heads of {} positions a value came, expected "
          "{}, {} and 1",
          position, rows.layers.size(), rows.queryHeads.size(), rows.pooling, m_selection.layers.size(),
          m_selection.queryHeads.size()));
    }
    m_pending.clear();
    for (std::size_t layer = 0; layer < rows.layers.size(); ++layer) {
      for (std::size_t head = 0; head < rows.queryHeads.size(); ++head) {
        model::appendRow(m_selection.storage, rows.row(static_cast<int>(layer), static_cast<int>(head), row),
                         m_pending);
      }
    }
    m_file.append(std::as_bytes(std::span(m_pending)));
    ++m_rowCount;
  }
}

void AttentionSpool::readRow(std::size_t map, int row, std::span<std::byte> out) const {
  const int position = m_selection.firstRow + row;
  const std::uint64_t before = m_selection.mapCount() * causalValues(m_selection.firstRow, position);
  const auto seen = static_cast<std::uint64_t>(position) + 1;
  const std::size_t bytes = static_cast<std::size_t>(seen) * elementBytes();
  m_file.read((before + map * seen) * elementBytes(), out.first(bytes));
  std::ranges::fill(out.subspan(bytes), std::byte{0});
}

}  // namespace headroom::formats
