#pragma once

#include <functional>
#include <span>
#include <vector>

#include "core/evaluation/head_means.h"
#include "core/evaluation/survey_watch.h"
#include "core/model/decoder.h"
#include "core/model/head_change.h"

namespace headroom::evaluation {

/// What is changed at once: the output of a query head, or of all query heads that read a KV head, before
/// W_O.
enum class AblationUnit { QueryHead, KvHead };

/// Such heads of a layer.
int headCount(AblationUnit unit, const model::AttentionShape& shape);
/// What becomes of heads that are changed one unit at a time: nothing is left of them unless it says
/// otherwise.
struct HeadReplacement {
  model::HeadOutput output = model::HeadOutput::Zero;
  double gain = 0.0;  ///< of Scaled
  std::vector<HeadMean> means =
      {};  ///< of Mean: of every query head, by layer; empty until they are measured

  bool isMeasured() const { return output != model::HeadOutput::Mean || !means.empty(); }
  /// Tokens that means are over; 0 where there are none.
  std::int64_t meanPositions() const { return means.empty() ? 0 : means.front().positions; }
  /// Measures means where they are wanted and not there, over all tokens of `text`: see headMeans(). False
  /// when it was stopped.
  bool measure(model::Decoder& decoder, std::span<const int> text, const StopRequest& stop,
               const SurveyProgress& progress);
};
/// What puts `replacement`, which is measured, in the place of `head` of `layer`.
std::vector<model::HeadIntervention> ablationOf(AblationUnit unit, int layer, int head,
                                                const model::ModelConfig& config,
                                                const HeadReplacement& replacement = {});

/// Leaves a decoder empty and its heads as they were, also when an exception passes.
class HeadsRestored {
 public:
  explicit HeadsRestored(model::Decoder& decoder) : m_decoder(decoder) {}
  ~HeadsRestored() {
    m_decoder.setInterventions({});
    m_decoder.truncate(0);
  }
  HeadsRestored(const HeadsRestored&) = delete;
  HeadsRestored& operator=(const HeadsRestored&) = delete;

 private:
  model::Decoder& m_decoder;
};

/// Told [vocabSize] of each head.
using KeepLogits = std::function<void(std::span<const float> logits)>;

/// The logits after the last of `tokens` without each head, by layer, then by head; how many heads `keep` was
/// told of: all of them, unless it was stopped. Means that `replacement` wants are those over `tokens`. The
/// decoder is left empty and unchanged. Throws model::Error where the tokens do not fit it, or it cannot
/// change heads.
int logitsWithoutHeads(model::Decoder& decoder, std::span<const int> tokens, AblationUnit unit,
                       const StopRequest& stop, const KeepLogits& keep, HeadReplacement replacement = {});

}  // namespace headroom::evaluation
