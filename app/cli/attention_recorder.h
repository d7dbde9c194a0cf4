#pragma once

#include <span>
#include <vector>

#include "core/formats/trace/attention_spool.h"
#include "core/model/decoder.h"

namespace headroom::cli {

/// Feeds a decoder and keeps the selected attention rows on the disk, so that no more of them is in memory
/// than a part of a prompt has.
class AttentionRecorder {
 public:
  AttentionRecorder(formats::AttentionSelection selection, const formats::OutputTarget& target);

  /// As Decoder::run(), of as many parts as it takes; the records come without attention. Throws
  /// model::Cancelled when the user interrupts it between two parts: what was run stays.
  std::vector<model::StepRecord> run(model::Decoder& decoder, std::span<const int> tokens);
  const formats::AttentionSpool& rows() const { return m_rows; }

 private:
  int partAt(int position, int count) const;

  model::Capture m_capture;
  formats::AttentionSpool m_rows;
};

}  // namespace headroom::cli
