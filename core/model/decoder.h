#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/model/config.h"
#include "core/model/kernel_plan.h"
#include "core/model/step_record.h"

namespace headroom::model {

enum class AttentionKernel {
  Shared,  ///< one workgroup serves a whole KV group; each K/V element is loaded once
  Naive,   ///< one workgroup per query head, which reloads K and V
};

std::string_view shortName(AttentionKernel kernel);

struct DecoderOptions {
  KvType kvType = KvType::F32;
  int contextLength = 0;  ///< cache positions; 0 means the model's own
  int batch = 1;          ///< sequences decoded at once through the same weights
  AttentionKernel attention = AttentionKernel::Shared;
  KernelPlan kernels;
};

/// Cache positions that a decoder of `options` has. Throws Error when the model has learned fewer positions.
int contextOf(const ModelConfig& config, const DecoderOptions& options);

/// Which layers' and query heads' attention a step hands back.
struct Capture {
  bool all = false;             ///< every layer
  std::vector<int> layers;      ///< these layers, when not all
  std::vector<int> queryHeads;  ///< these query heads of each layer, ascending; empty for every one
  int cells = 0;                ///< most values per row, longer rows are max-pooled; 0: never pooled

  static Capture none() { return {}; }
  static Capture everything() { return {.all = true, .layers = {}, .queryHeads = {}}; }
  /// Every layer and head, rows longer than `cells` positions max-pooled.
  static Capture pooled(int cells) { return {.all = true, .layers = {}, .queryHeads = {}, .cells = cells}; }
  bool wants(int layer) const;
  /// The query heads wanted of `queryHeadCount`.
  std::vector<int> wantedHeads(int queryHeadCount) const;
};

/// Runs a model over a growing sequence. Implementations: reference::ReferenceDecoder (Eigen, float64) and
/// engine::VulkanDecoder. Not thread-safe; one thread at a time.
class Decoder {
 public:
  virtual ~Decoder() = default;

  virtual const ModelConfig& config() const = 0;
  /// As asked for, with what was left open filled in, and the cache as it really is.
  virtual const DecoderOptions& options() const = 0;
  /// What runs it, for people: "llvmpipe (LLVM 15.0.6, 256 bits)" or "Eigen, float64".
  virtual std::string deviceName() const = 0;
  /// A sentence that belongs beside every number of it, for people; empty for most.
  virtual std::string note() const { return {}; }

  /// Positions in the cache.
  virtual int position() const = 0;
  /// Forgets every position after the first `positions` (0: all of them).
  virtual void truncate(int positions) = 0;

  /// Runs `tokens` at position(), position()+1, ... and appends them to the cache. One token is a decode
  /// step, several are a prefill in blocks; one record per block comes back. With batch B every sequence is
  /// fed the same tokens. Throws Error when there is no token, the tokens do not fit the context or an id is
  /// outside the vocabulary, in which case nothing changed; and when logits are NaN or infinite, with the
  /// first stage and layer that gave such a value: position() and logits() are then those of the last block
  /// that had none.
  virtual std::vector<StepRecord> run(std::span<const int> tokens, const Capture& capture) = 0;

  /// The attention of `tokens` at the positions from `firstPosition` on, recomputed: their keys and values
  /// are in the cache already, so the cost is that of a prefill of `tokens`, whatever came before them.
  /// `tokens` must be those that run() was fed there; position() and logits() stay as they are. Throws Error
  /// when the positions are not all in the cache.
  virtual std::vector<AttentionRows> replay(int firstPosition, std::span<const int> tokens,
                                            const Capture& capture) = 0;

  /// Logits after the last token of the last run: [vocabSize]. With batch B, those of sequence 0.
  virtual std::span<const float> logits() const = 0;
  /// Whether run() also keeps the logits of every token, for allLogits().
  virtual void keepAllLogits(bool keep) = 0;
  /// [tokens of the last run][vocabSize], when asked for with keepAllLogits(true).
  virtual std::span<const float> allLogits() const = 0;
};

/// The `count` most likely tokens of `logits` with their softmax probabilities, and the distribution's
/// entropy in nats. Shared by all decoders, so that records agree.
struct Distribution {
  std::vector<Candidate> candidates;
  float entropy = 0.0f;
};
Distribution summarise(std::span<const float> logits, int count);
inline constexpr int kCandidateCount = 10;

/// Throws Error unless there is a token. For run(), which could not say what comes after nothing.
void requireTokens(std::span<const int> tokens);
/// Throws Error unless there is a token, all are of the vocabulary, and they fit behind `position`. For run()
/// of decoders that compute.
void checkRun(std::span<const int> tokens, int position, int contextLength, int vocabSize);
/// Throws Error unless `tokens` from `firstPosition` on lie within the `cached` positions. For replay().
void checkReplay(int firstPosition, std::span<const int> tokens, int cached);

}  // namespace headroom::model
