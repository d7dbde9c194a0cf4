#include "app/cli/export/run_figures.h"

#include "core/text/display_text.h"

namespace headroom::cli {

figures::FigureLane figureLane(const LaneRun& run, const lanes::LaneSet::Lane& lane, int place) {
  const model::Decoder& decoder = *lane.engine.decoder;
  const model::Weights& weights = lane.engine.model->weights;
  const auto& colors = analysis::kLaneColorsOnLight;
  figures::FigureLane result{
      .title = lane.engine.title(),
      .color = colors[static_cast<std::size_t>(place) % colors.size()],
      .config = decoder.config(),
      .options = decoder.options(),
      .contextLength = lanes::contextLimit(decoder),
      .device = decoder.deviceName(),
      .note = decoder.note(),
      .output = weights.tied() ? analysis::OutputProjection::Tied : analysis::OutputProjection::Own,
      .parameterCount = weights.parameterCount(),
      .cache = analysis::cacheFilled(run.prefill),
      .traffic = analysis::issuedPerStep(run.steps),
      .measurement = analysis::measureLane(decoder.config(), decoder.options(), run.steps)};
  const std::vector<analysis::BytesAt> decoded = analysis::cacheFilled(run.steps);
  result.cache.insert(result.cache.end(), decoded.begin(), decoded.end());
  return result;
}

std::vector<std::string> tokenLabels(const lanes::LaneSet::Lane& lane) {
  const model::Tokenizer* tokenizer = lane.engine.tokenizer();
  std::vector<std::string> labels;
  for (const int token : std::span(lane.text).first(static_cast<std::size_t>(lane.fed()))) {
    labels.push_back(text::tokenLabel(text::shownToken(token, tokenizer ? tokenizer->pieceBytes(token) : "",
                                                       tokenizer && tokenizer->endsText(token))));
  }
  return labels;
}

}  // namespace headroom::cli
