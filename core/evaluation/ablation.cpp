#include "core/evaluation/ablation.h"

#include <algorithm>
#include <utility>

namespace headroom::evaluation {

int headCount(AblationUnit unit, const model::AttentionShape& shape) {
  return unit == AblationUnit::QueryHead ? shape.queryHeadCount : shape.kvHeadCount;
}

bool HeadReplacement::measure(model::Decoder& decoder, std::span<const int> text, const StopRequest& stop,
                              const SurveyProgress& progress) {
  if (isMeasured()) return true;
  std::vector<model::HeadPlace> heads;
  for (int layer = 0; layer < decoder.config().layerCount; ++layer) {
    for (int head = 0; head < decoder.config().attention.queryHeadCount; ++head)
      heads.push_back({layer, head});
  }
  means = headMeans(decoder, text, heads, stop, progress);
  return !means.empty();
}

std::vector<model::HeadIntervention> ablationOf(AblationUnit unit, int layer, int head,
                                                const model::ModelConfig& config,
                                                const HeadReplacement& replacement) {
  const int queryHeads = config.attention.queryHeadCount;
  const model::HeadRange heads =
      unit == AblationUnit::QueryHead ? model::HeadRange{head, head + 1} : config.attention.readersOf(head);
  std::vector<model::HeadChange> changes;
  for (int queryHead = heads.first; queryHead < heads.end; ++queryHead) {
    model::HeadChange change{
        .head = {layer, queryHead}, .output = replacement.output, .gain = replacement.gain};
    if (replacement.output == model::HeadOutput::Mean && replacement.isMeasured()) {
      const HeadMean& measured =
          replacement.means.at(static_cast<std::size_t>(layer * queryHeads + queryHead));
      change.mean = measured.mean;
      change.meanPositions = measured.positions;
    }
    changes.push_back(std::move(change));
  }
  return model::interventionsOf(changes, config);
}

int logitsWithoutHeads(model::Decoder& decoder, std::span<const int> tokens, AblationUnit unit,
                       const StopRequest& stop, const KeepLogits& keep, HeadReplacement replacement) {
  model::checkText(decoder, tokens);
  const HeadsRestored guard(decoder);
  if (!replacement.measure(decoder, tokens, stop, {})) return 0;
  const model::ModelConfig& config = decoder.config();
  const int heads = headCount(unit, config.attention);
  const int total = config.layerCount * heads;
  for (int done = 0; done < total; ++done) {
    decoder.truncate(0);
    decoder.setInterventions(ablationOf(unit, done / heads, done % heads, config, replacement));
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
