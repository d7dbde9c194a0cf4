#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/formats/files/scratch_file.h"
#include "core/model/step_record.h"
#include "core/model/tensor.h"

namespace headroom::formats {

/// Which attention rows of a run are kept, and how: some layers, some query heads, the positions from
/// firstRow on.
struct AttentionSelection {
  std::vector<int> layers;      ///< ascending
  std::vector<int> queryHeads;  ///< ascending, the same in every layer
  int firstRow = 0;
  int endRow = 0;                                ///< behind the last one
  model::Storage storage = model::Storage::F32;  ///< F32 or F16

  bool wantsRow(int position) const { return position >= firstRow && position < endRow; }
  std::size_t mapCount() const { return layers.size() * queryHeads.size(); }
  /// Bytes of the maps [layers][queryHeads][rows][tokens] of a text of that many tokens.
  std::uint64_t mapBytes(int tokens) const;
  /// Bytes that a spool of the same rows takes: no more than the positions that each row sees.
  std::uint64_t spoolBytes(int tokens) const;
};

/// The attention rows of a run in the order in which they were decoded, on the disk, so that files which go
/// by layer and head can be written without holding all maps in memory.
class AttentionSpool {
 public:
  AttentionSpool(AttentionSelection selection, const OutputTarget& target);

  const AttentionSelection& selection() const { return m_selection; }
  /// Adds those of a step's rows that were selected; steps follow each other without a gap. Throws
  /// model::Error when a selected row was not captured whole, or the disk is full.
  void append(const model::AttentionRows& rows, int firstPosition, int count);
  int rowCount() const { return m_rowCount; }

  /// The maps in the order [layer][queryHead][row][tokens], 0 where a row does not look: calls `write` with
  /// the bytes of each row.
  template <typename Write>
  void eachRow(int tokens, const Write& write) const {
    std::vector<std::byte> row(static_cast<std::size_t>(tokens) * elementBytes());
    for (std::size_t map = 0; map < m_selection.mapCount(); ++map) {
      for (int index = 0; index < m_rowCount; ++index) {
        readRow(map, index, row);
        write(std::span<const std::byte>(row));
      }
    }
  }

 private:
  std::size_t elementBytes() const { return m_selection.storage == model::Storage::F16 ? 2 : 4; }
  void readRow(std::size_t map, int row, std::span<std::byte> out) const;

  AttentionSelection m_selection;
  ScratchFile m_file;
  int m_rowCount = 0;
  std::string m_pending;
};

}  // namespace headroom::formats
