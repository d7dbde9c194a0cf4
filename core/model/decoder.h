#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/model/config.h"
#include "core/model/intervention.h"
#include "core/model/kernel_plan.h"
#include "core/model/step_record.h"

namespace headroom::model {

enum class AttentionKernel {
  Shared,  ///< each K/V element is loaded for the heads of its group together, as many as registers hold
  Naive,   ///< one workgroup per query head, which reloads K and V
};

std::string_view shortName(AttentionKernel kernel);

/// How far the window's controls and predictions go. More sequences than that no device decodes at once; a
/// longer context can be asked for on the command line.
inline constexpr int kMostSequences = 64;
inline constexpr int kMostOfferedContext = 65536;
/// The longest context that anything kept may ask for.
inline constexpr int kMostContext = 1 << 24;
/// Positions that stay free behind a filled context, to decode in; of a short one half of it.
inline constexpr int kRoomToDecode = 128;
/// How many positions of a context of `contextLength` are filled at most.
constexpr int mostFilled(int contextLength) {
  const int half = contextLength / 2;
  const int filled = contextLength - (half < kRoomToDecode ? half : kRoomToDecode);
  return filled > 1 ? filled : 1;
}

struct DecoderOptions {
  KvType kvType = KvType::F32;
  int contextLength = 0;  ///< cache positions; 0: as chosenContext() says
  int batch = 1;          ///< sequences decoded at once through the same weights
  AttentionKernel attention = AttentionKernel::Shared;
  KernelPlan kernels;
};

/// The most positions that a context is offered with: kMostOfferedContext, or those that were learned.
int mostOfferedContext(const ModelConfig& config);
/// mostFilled() of such a context.
int mostFill(const ModelConfig& config);
/// The context, as in DecoderOptions, of a lane that is filled with `positions`: `chosen` where kRoomToDecode
/// is left in it, else a longer one.
int contextToFill(const ModelConfig& config, int positions, int chosen = 0);

/// chosenContext() of `options`. Throws Error when the model has learned fewer positions.
int contextOf(const ModelConfig& config, const DecoderOptions& options);

/// Values inside a step that are handed back: StepRecord::activations.
struct ActivationRequest {
  CapturePoint point = CapturePoint::Residual;
  std::vector<int> layers = {};  ///< 0 to layerCount - 1; of the residual stream also layerCount

  bool operator==(const ActivationRequest&) const = default;
};

/// Which layers' and query heads' attention a step hands back, and which values besides, of the rows of one
/// sequence.
struct Capture {
  bool all = false;             ///< every layer
  std::vector<int> layers;      ///< these layers, when not all
  std::vector<int> queryHeads;  ///< these query heads of each layer, ascending; empty for every one
  int cells = 0;                ///< most values per row, longer rows are max-pooled; 0: never pooled
  int sequence = 0;             ///< whose rows
  std::vector<ActivationRequest> activations = {};  ///< whatever layers `all` and `layers` say

  static Capture none() { return {}; }
  static Capture everything() { return {.all = true, .layers = {}, .queryHeads = {}}; }
  /// Every layer and head, rows longer than `cells` positions max-pooled.
  static Capture pooled(int cells) { return {.all = true, .layers = {}, .queryHeads = {}, .cells = cells}; }
  /// Of attention rows.
  bool wants(int layer) const;
  /// The query heads wanted of `queryHeadCount`.
  std::vector<int> wantedHeads(int queryHeadCount) const;
};

/// What a run hands back of the logits.
struct LogitsRequest {
  enum class Rows {
    None,  ///< they are not computed
    Last,  ///< of the last row of each sequence, in every step
    All,
  };
  enum class Form {
    Whole,    ///< every value: Decoder::logits(), and StepRecord::logits for all rows
    Summary,  ///< StepRecord::summaries, computed where the logits are; nothing else leaves there
  };
  static constexpr int kMostTop = 64;

  Rows rows = Rows::Last;
  Form form = Form::Whole;
  std::vector<int> targets = {};  ///< of a summary: for each row fed, the token asked about; or empty
  int topCount = 0;               ///< of a summary: most likely tokens of each row, 0 to kMostTop

  static LogitsRequest none() { return {.rows = Rows::None}; }
  static LogitsRequest last() { return {}; }
  static LogitsRequest all() { return {.rows = Rows::All}; }
  /// The log-probability of `tokens`[i] after row i.
  static LogitsRequest logProbabilities(std::vector<int> tokens) {
    return {.rows = Rows::All, .form = Form::Summary, .targets = std::move(tokens)};
  }
  static LogitsRequest top(int count, Rows of = Rows::All) {
    return {.rows = of, .form = Form::Summary, .topCount = count};
  }
};

/// Steps of one decodeAhead() at most.
inline constexpr int kMostAhead = 64;

/// What a run hands back besides wall times and traffic.
struct StepRequest {
  Capture capture = {};
  LogitsRequest logits = {};
  /// Whether stages are timed one by one; else their times are 0. Time stamps are not free: on an H200 they
  /// take 1.3 us for each dispatch of a step.
  bool timesStages = true;
};

/// Runs a model over growing sequences, options().batch of them. Implementations: reference::ReferenceDecoder
/// (Eigen, float64) and engine::VulkanDecoder. Not thread-safe; one thread at a time.
class Decoder {
 public:
  virtual ~Decoder() = default;

  virtual const ModelConfig& config() const = 0;
  /// As asked for, with what was left open filled in, and the cache as it really is.
  virtual const DecoderOptions& options() const = 0;
  /// What runs it, for people: "llvmpipe (LLVM 15.0.6, 256 bits)" or "Eigen, float64".
  virtual std::string deviceName() const = 0;
  /// Whether kernels on a device decode: what compares kernels, and devices, is of such a decoder only.
  virtual bool isOnDevice() const { return false; }
  /// A sentence that belongs beside every number of it, for people; empty for most.
  virtual std::string note() const { return {}; }
  /// The type that keys and values are rounded to before they go into a cache of a wider one.
  virtual std::optional<KvType> cacheRoundedTo() const { return {}; }

  /// Rows of a text that one step takes at most.
  virtual int blockTokens() const { return 64; }

  /// Positions that a sequence has in the cache, 0 <= sequence < options().batch.
  virtual int positionOf(int sequence) const = 0;
  /// Forgets every position of a sequence after the first `positions` (0: all of them).
  virtual void truncateSequence(int sequence, int positions) = 0;

  /// Runs `rows` in their order and appends each to the cache of its sequence: rows of one sequence follow
  /// each other from positionOf() on. Sequences may differ in length and come and go: a step takes whatever
  /// rows it is given, some filling while others decode. As many rows as fit make one step, with a record of
  /// its own; a step does not end between rows of one position that lie side by side. Throws Error when there
  /// is no row, the rows do not fit the context or an id is outside the vocabulary, in which case nothing
  /// changed; and when logits are NaN or infinite, with the first stage and layer that gave such a value:
  /// positions and logits are then those of the last step that had none.
  virtual std::vector<StepRecord> runRows(std::span<const StepRow> rows, const StepRequest& request) = 0;

  /// The attention of `tokens` at the positions from `firstPosition` on of the sequence of `capture`,
  /// recomputed: their keys and values are in the cache already, so the cost is that of a prefill of
  /// `tokens`, whatever came before them. `tokens` must be those that run() was fed there; positions and
  /// logits stay as they are. Throws Error when the positions are not all in the cache.
  virtual std::vector<AttentionRows> replay(int firstPosition, std::span<const int> tokens,
                                            const Capture& capture) = 0;

  /// Whether decodeAhead() can.
  virtual bool decodesAhead() const { return false; }
  /// Feeds `token` to every sequence, each from its own position on, and `count` - 1 times the token that is
  /// most likely next in the first: steps follow each other on the device, and the host waits once. Comes
  /// back with what was most likely behind each of them; with fewer when logits were NaN or infinite, which
  /// the next step tells. The sequences then stand behind as many tokens as came back; logits are those of
  /// the last step before. Throws Error as runRows() does, and where the decoder has no such way or `count`
  /// is not 1 to kMostAhead.
  virtual std::vector<int> decodeAhead(int token, int count);

  /// Changes heads from the next step on, of every sequence; none: nothing is changed, and nothing costs
  /// anything. What is in the cache stays as it is. Throws Error for a head that is not there, as
  /// checkInterventions() says; and for any head where the decoder cannot change them.
  virtual void setInterventions(std::span<const HeadIntervention> interventions);

  /// Puts pseudo-random keys and values of `positions` positions into the cache of every sequence, as if a
  /// text had been read, so that times at a length can be measured without reading one. Throws Error where
  /// the decoder has no such way, or the context does not hold them.
  virtual void fillCache(int positions, unsigned seed);

  /// The last logits of a sequence that were handed back as a whole: [vocabSize].
  virtual std::span<const float> logitsOf(int sequence) const = 0;

  // Every sequence alike, as one text is decoded.
  int position() const { return positionOf(0); }
  void truncate(int positions);
  std::span<const float> logits() const { return logitsOf(0); }
  /// runRows() of `tokens` for every sequence, each from its own position on. Targets of the logits are one
  /// for each token.
  std::vector<StepRecord> run(std::span<const int> tokens, const Capture& capture,
                              const LogitsRequest& logits = {}) {
    return runTokens(tokens, {capture, logits});
  }
  std::vector<StepRecord> runTokens(std::span<const int> tokens, const StepRequest& request);
  /// Rows of `tokens` for one sequence, from its own position on.
  std::vector<StepRow> rowsOf(std::span<const int> tokens, int sequence = 0) const;
};

/// The logits of all rows of a run that asked for them: [rows][vocabSize].
std::vector<float> allLogits(std::span<const StepRecord> records);

/// The `count` most likely tokens of `logits` with their softmax probabilities, and the distribution's
/// entropy in nats. Shared by all decoders, so that records agree.
struct Distribution {
  std::vector<Candidate> candidates;
  float entropy = 0.0f;
};
Distribution summarise(std::span<const float> logits, int count);
inline constexpr int kCandidateCount = 10;
/// What comes most likely next after `logits`, into `record`.
void addCandidates(std::span<const float> logits, StepRecord& record);

/// What `request` asks of a row, in double. `target` is its token asked about, or -1; `logits` [vocabSize].
template <typename Number>
LogitsSummary summaryOf(std::span<const Number> logits, int row, int target, int topCount);

/// Throws Error unless there is a row. For runRows(), which could not say what comes after nothing.
void requireRows(std::span<const StepRow> rows);
/// Throws Error unless a decoder with an empty cache could be fed `text`: it is not empty, of the vocabulary,
/// and fits the context.
void checkText(const Decoder& decoder, std::span<const int> text);
/// Throws Error unless there are rows, each goes on where its sequence ends, all fit the context and are of
/// the vocabulary, and `request` asks for tokens and layers that there are. For runRows() of decoders that
/// compute.
void checkRows(const Decoder& decoder, std::span<const StepRow> rows, const StepRequest& request);
/// How many of `rows`, at most `most`, make one step: whole positions where there is more than one.
std::size_t stepLength(std::span<const StepRow> rows, std::size_t most);
/// Which of the `rows` of one step `request` wants logits of, ascending.
std::vector<int> wantedRows(std::span<const StepRow> rows, LogitsRequest::Rows wanted);
/// A record's rows, tokens and position.
StepRecord recordOf(std::span<const StepRow> rows);
/// Throws Error unless `tokens` from `firstPosition` on lie within the `cached` positions. For replay().
void checkReplay(int firstPosition, std::span<const int> tokens, int cached);

}  // namespace headroom::model
