#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/session/lane.h"
#include "core/analysis/lane_measurement.h"
#include "core/analysis/pooled_map.h"
#include "core/text/display_text.h"

namespace headroom::session {

/// One row of attention: value i is the largest of `pooling` positions from i * pooling on.
struct PooledRow {
  std::span<const float> values;
  int pooling = 1;
};

/// Everything one lane did since its prompt, for lookups by position. Append-only, but for thin().
class LaneTrace {
 public:
  explicit LaneTrace(LaneInfo info);

  const LaneInfo& info() const { return m_info; }
  /// Says anew what the same lane is: its colour, what it shares.
  void describe(LaneInfo info) { m_info = std::move(info); }
  int layerCount() const { return m_info.config.layerCount; }
  int queryHeadCount() const { return m_info.config.attention.queryHeadCount; }

  /// Forgets the text, keeps the lane.
  void clear();
  /// `step.record` continues at length().
  void append(LaneStep step);

  /// Positions so far.
  int length() const { return static_cast<int>(m_tokens.size()); }
  /// Positions that came from the prompt.
  int promptLength() const { return m_promptLength; }
  /// Positions that were fed in blocks: the prompt, or of the text that a lane was given to catch up with
  /// others all but its end. What follows was decoded step by step.
  int filledLength() const { return m_filledLength; }
  std::span<const int> tokens() const { return m_tokens; }
  /// What the lane's own sampler chose for each position, -1 in the prompt; one longer than tokens() once it
  /// has chosen the next.
  std::span<const int> choices() const { return m_choices; }
  /// Text of a token as it can be shown: bytes outside UTF-8 as <E2>, ids as #17 without a tokenizer,
  /// kEndOfText for one that ends a text.
  std::string_view text(int token) const;
  /// Bytes of a token; empty where nobody knows them.
  std::string_view bytes(int token) const;
  /// The token at a position as tokenLabel() shows it.
  std::string labelAt(int position) const;
  static constexpr std::string_view kEndOfText = text::kEndOfText;
  bool endsText(int token) const;

  std::span<const model::StepRecord> steps() const { return m_steps; }
  int stepCount() const { return static_cast<int>(m_steps.size()); }
  /// Of older steps the stages may be sums over all layers, of layer -1 then, and the attention may be gone.
  const model::StepRecord& step(int index) const { return m_steps[static_cast<std::size_t>(index)]; }
  /// Index of the step that was fed `position`.
  int stepIndexAt(int position) const { return m_stepOfPosition[static_cast<std::size_t>(position)]; }
  const model::StepRecord& stepAt(int position) const { return step(stepIndexAt(position)); }
  /// The token at `position`, and what this lane would have had there, among its logits; not known of
  /// prompts.
  model::RankedToken fedAt(int position) const;
  model::RankedToken chosenAt(int position) const;
  /// The step that predicted `position`, or null for what was fed in blocks.
  const model::StepRecord* predictionOf(int position) const;

  /// Attention of `position`: [position + 1]. Empty when it was not captured, came pooled or no longer fits
  /// the memory, and was not replayed either.
  std::span<const float> attentionRow(int layer, int queryHead, int position) const;
  /// The same, in the best form that is there: pooled where attentionRow is empty; may be empty too.
  PooledRow pooledRow(int layer, int queryHead, int position) const;
  /// pooledRow with every value at each of its positions: [position + 1], or empty.
  std::vector<float> spreadRow(int layer, int queryHead, int position) const;
  /// Mean of spreadRow over all layers and heads.
  std::vector<float> meanAttentionRow(int position) const;
  const analysis::PooledMap& overview(int layer, int queryHead) const;

  std::uint64_t cacheBytesUsed(int position) const { return stepAt(position).cacheBytesUsed; }

  /// First position where the lane's own choice was not what it was fed, as far as it made one for each.
  std::optional<int> firstDisagreement() const { return m_firstDisagreement; }

  /// Keeps recomputed rows beside the captured ones; the oldest go when there are many.
  void addReplayed(std::vector<model::AttentionRows> blocks);
  /// Counts addReplayed: what was drawn from rows before is stale.
  int replayCount() const { return m_replayCount; }

  /// How it decodes.
  model::DecoderOptions options() const;
  /// Decode steps (not a filling's) up to `position`, the oldest first.
  std::span<const model::StepRecord> decodeSteps(int position) const;
  /// Those of them from position `since` on that the lane took by turns with others: only their times may be
  /// compared with those of other lanes.
  std::span<const model::StepRecord> turns(int position, int since = 0) const;
  /// First position that was decoded by turns: behind what the lane caught up with.
  int turnsFrom() const { return m_turnsFrom; }
  /// Those from `since` on where there are enough to be compared, else all: whatever is said of how the lane
  /// compares is of these.
  std::span<const model::StepRecord> comparable(int position, int since) const;
  /// What the decode steps up to `position` tell of the lane: those that compare where there are enough, else
  /// all.
  analysis::LaneMeasurement measured(int position, int since = 0) const;

  /// Bytes of all that is kept per step or position: records with their stages, candidates and attention,
  /// tokens, choices, sums, overviews and recomputed rows. Without the allocator's own.
  std::uint64_t heldBytes() const;
  /// Whether thin() has something to give up.
  bool canThin() const;
  /// Gives up the detail that is missed least: the layers of the oldest step, which become one sum per stage,
  /// down to the last kDetailedSteps; then the oldest attention rows; then the oldest recomputed rows, but
  /// for the newest. Overviews, totals, times, tokens and candidates stay.
  void thin();
  static constexpr std::size_t kDetailedSteps = 32;

 private:
  std::span<const model::StepRecord> stepsBetween(int from, int position) const;
  void addToOverviews(const model::AttentionRows& rows);
  void keepRecord(model::StepRecord record);
  /// Changes a record that is kept, and what is counted of it.
  template <typename Change>
  void changeRecord(std::size_t step, const Change& change);
  bool hasLayersToAddUp() const { return m_firstStepInLayers + kDetailedSteps < m_steps.size(); }
  void dropOldestReplayed();

  LaneInfo m_info;
  std::vector<std::string> m_texts;  // [vocab], shown form
  std::vector<int> m_tokens;
  std::vector<int> m_choices;
  std::vector<model::RankedToken> m_chosen;  // [position], where a choice was made
  std::vector<model::RankedToken> m_fed;     // [position], of decode steps
  std::vector<int> m_stepOfPosition;
  std::vector<model::StepRecord> m_steps;
  std::vector<analysis::PooledMap> m_overviews;  // [layer][queryHead]
  std::vector<model::AttentionRows> m_replayed;  // oldest first
  int m_replayCount = 0;
  int m_promptLength = 0;
  int m_filledLength = 0;
  int m_turnsFrom = 0;
  std::optional<int> m_firstDisagreement;
  std::uint64_t m_recordBytes = 0;      // that the records' vectors hold
  std::uint64_t m_overviewBytes = 0;    // of cells
  std::uint64_t m_replayedBytes = 0;    // of values
  std::size_t m_firstStepInLayers = 0;  // layers of those before are added up
  std::size_t m_firstStepWithRows = 0;  // those before have none
};

}  // namespace headroom::session
