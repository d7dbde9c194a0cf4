#pragma once

#include <functional>
#include <span>
#include <vector>

#include "core/evaluation/survey_watch.h"
#include "core/model/decoder.h"

namespace headroom::evaluation {

/// What is taken away at once: the output of a query head, or of all query heads that read a KV head, set to
/// zero before W_O.
enum class AblationUnit { QueryHead, KvHead };

/// Such heads of a layer.
int headCount(AblationUnit unit, const model::AttentionShape& shape);
/// What takes `head` of `layer` away.
std::vector<model::HeadIntervention> ablationOf(AblationUnit unit, int layer, int head,
                                                const model::ModelConfig& config);

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
/// told of: all of them, unless it was stopped. The decoder is left empty and unchanged. Throws
/// model::Error where the tokens do not fit it, or it cannot change heads.
int logitsWithoutHeads(model::Decoder& decoder, std::span<const int> tokens, AblationUnit unit,
                       const StopRequest& stop, const KeepLogits& keep);

}  // namespace headroom::evaluation
