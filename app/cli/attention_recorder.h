#pragma once

#include "core/formats/trace/attention_spool.h"
#include "core/lanes/lane_set.h"

namespace headroom::cli {

/// Keeps the selected attention rows of a text on the disk, so that no more of them is in memory than a block
/// of the text has.
class AttentionRecorder {
 public:
  AttentionRecorder(formats::AttentionSelection selection, const formats::OutputTarget& target);

  /// What of `count` tokens from `position` on is run at once: all of it selected, or none.
  lanes::LaneSet::Block blockAt(int position, int count) const;
  /// Keeps the record's rows, and leaves it without.
  void keep(model::StepRecord& record);
  const formats::AttentionSpool& rows() const { return m_rows; }

 private:
  model::Capture m_capture;
  formats::AttentionSpool m_rows;
};

}  // namespace headroom::cli
