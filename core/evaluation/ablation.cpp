#include "core/evaluation/ablation.h"

#include <algorithm>

namespace headroom::evaluation {

int headCount(AblationUnit unit, const model::AttentionShape& shape) {
  return unit == AblationUnit::QueryHead ? shape.queryHeadCount : shape.kvHeadCount;
}

std::vector<model::HeadIntervention> ablationOf(AblationUnit unit, int layer, int head,
                                                const model::ModelConfig& config) {
  const model::HeadRange heads =
      unit == AblationUnit::QueryHead ? model::HeadRange{head, head + 1} : config.attention.readersOf(head);
  std::vector<model::HeadIntervention> changes;
  for (int queryHead = heads.first; queryHead < heads.end; ++queryHead)
    changes.push_back(model::HeadIntervention::ablation(layer, queryHead, config));
  return changes;
}

int logitsWithoutHeads(model::Decoder& decoder, std::span<const int> tokens, AblationUnit unit,
                       const StopRequest& stop, const KeepLogits& keep) {
  model::checkText(decoder, tokens);
  const HeadsRestored guard(decoder);
  const model::ModelConfig& config = decoder.config();
  const int heads = headCount(unit, config.attention);
  const int total = config.layerCount * heads;
  for (int done = 0; done < total; ++done) {
    decoder.truncate(0);
    decoder.setInterventions(ablationOf(unit, done / heads, done % heads, config));
    for (std::span<const int> rest = tokens; !rest.empty();) {
      if (stop()) return done;
      const auto block = rest.first(std::min(rest.size(), static_cast<std::size_t>(decoder.blockTokens())));
      rest = rest.subspan(block.size());
      decoder.runRows(decoder.rowsOf(block),
                      {.logits = rest.empty() ? model::LogitsRequest::last() : model::LogitsRequest::none(),
                       .timesStages = false});
    }
    keep(decoder.logits());
  }
  return total;
}

}  // namespace headroom::evaluation
