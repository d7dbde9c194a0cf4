#include "app/session/lane_description.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/model/common_fill.h"

namespace headroom::session {

namespace {

/// `weightsOf` is the title of an earlier lane that decodes with the same weights; empty when it is the
/// first.
LaneInfo describe(const lanes::LaneRequest& request, const lanes::LaneEngine& engine,
                  const std::string& weightsOf) {
  const model::Decoder& decoder = *engine.decoder;
  LaneInfo info{.request = request,
                .title = engine.title(),
                .config = decoder.config(),
                .kvType = decoder.options().kvType,
                .contextLength = lanes::contextLimit(decoder),
                .batch = decoder.options().batch,
                .changes = engine.changes,
                .attention = decoder.options().attention,
                .deviceName = decoder.deviceName(),
                .isOnDevice = decoder.isOnDevice(),
                .note = decoder.note()};
  if (!engine.script.empty()) {
    info.storageName = "trace";
    if (!engine.pieces.empty()) info.pieces.resize(static_cast<std::size_t>(info.config.vocabSize));
    for (const auto& [token, piece] : engine.pieces) {
      if (token >= 0 && token < info.config.vocabSize) info.pieces[static_cast<std::size_t>(token)] = piece;
    }
    info.card = analysis::traceCard(request.source, info.config, info.deviceName, engine.recorded);
  }
  if (engine.model) {
    info.parameterCount = engine.model->weights.parameterCount();
    info.weightBytes = engine.model->weights.storedBytes();
    info.storageName = engine.model->storageName;
    info.output =
        engine.model->weights.tied() ? analysis::OutputProjection::Tied : analysis::OutputProjection::Own;
    info.contradictions = engine.model->contradictions;
    info.card = analysis::truthCard(*engine.model, engine.memory, info.note);
    if (info.card.memory) info.card.memory->weightsOf = weightsOf;
    if (const model::Tokenizer* tokenizer = engine.tokenizer()) {
      info.pieces.reserve(static_cast<std::size_t>(info.config.vocabSize));
      const int known = std::min(info.config.vocabSize, tokenizer->vocabSize());
      for (int token = 0; token < known; ++token) {
        info.pieces.push_back(tokenizer->pieceBytes(token));
        if (tokenizer->endsText(token)) info.endTokens.push_back(token);
      }
    }
  }
  return info;
}

}  // namespace

std::vector<LaneInfo> describeLanes(const lanes::LaneSet& lanes,
                                    const std::vector<lanes::LaneRequest>& requests) {
  std::vector<LaneInfo> infos;
  for (int index = 0; index < lanes.laneCount(); ++index) {
    const lanes::LaneEngine& engine = lanes.lane(index).engine;
    std::string weightsOf;
    for (int earlier = 0; earlier < index && weightsOf.empty(); ++earlier) {
      const lanes::ModelUse& other = lanes.lane(earlier).engine.model;
      const bool isShared = other && engine.model && &*other == &*engine.model;
      if (isShared) weightsOf = infos[static_cast<std::size_t>(earlier)].title;
    }
    infos.push_back(describe(requests[static_cast<std::size_t>(index)], engine, weightsOf));
  }
  return infos;
}

int mostFillOf(std::span<const LaneInfo> lanes) {
  std::vector<model::ModelConfig> filled;
  for (const LaneInfo& lane : lanes) {
    if (!lane.card.isTrace) filled.push_back(lane.config);
  }
  return model::commonFill(filled, model::mostFill);
}

}  // namespace headroom::session
