#pragma once

#include "core/model/decoder.h"
#include "core/model/trace.h"

namespace headroom::model {

/// Plays a trace as if its model decoded: the recorded tokens, and no others, give the recorded attention.
/// Its logits() name the token that comes next with certainty, so that any sampler goes on as recorded;
/// candidates in records are those of recorded logits. Times and traffic are not in a trace and stay 0;
/// layers and rows that were not recorded are in no record's attention.
class TraceDecoder final : public Decoder {
 public:
  explicit TraceDecoder(Trace trace);

  const Trace& trace() const { return m_trace; }
  const ModelConfig& config() const override { return m_trace.config; }
  const DecoderOptions& options() const override { return m_options; }
  std::string deviceName() const override { return "trace by " + m_trace.writer; }
  int positionOf(int) const override { return m_position; }
  void truncateSequence(int sequence, int positions) override;
  /// Throws Error for a token other than the recorded one. Tokens with and without recorded rows come in
  /// records of their own. Logits are handed back where they were recorded.
  std::vector<StepRecord> runRows(std::span<const StepRow> rows, const StepRequest& request) override;
  std::vector<AttentionRows> replay(int firstPosition, std::span<const int> tokens,
                                    const Capture& capture) override;
  std::span<const float> logitsOf(int) const override { return m_next; }

 private:
  AttentionRows rows(int firstPosition, int count, const Capture& capture) const;
  int countAlike(int firstPosition, int count) const;
  StepRecord play(std::span<const StepRow> rows, const StepRequest& request, std::span<const int> targets);
  void addLogits(StepRecord& record, const LogitsRequest& request, std::span<const int> targets) const;
  void nameNext();

  Trace m_trace;
  DecoderOptions m_options;
  int m_position = 0;
  std::vector<float> m_next;
  int m_named = 0;  ///< the token that m_next names
};

}  // namespace headroom::model
