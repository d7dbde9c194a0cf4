#include "app/session/inside_study.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "core/evaluation/logit_attribution.h"
#include "core/evaluation/logit_lens.h"
#include "core/model/error.h"
#include "core/text/phrases.h"

namespace headroom::session {

namespace {

using model::SentenceId;

Studying reading(const std::string& title, double share) {
  return {.underWay = true, .title = title, .text = text::inWords<SentenceId::TextOfLane>(), .share = share};
}

/// What the lane decodes, changed heads among it, in one sequence whose context holds the text.
lanes::LaneEngine openBeside(lanes::LaneOpener& opener, const ReadText& text, const StudyEvents& events) {
  if (text.fed < 1) throw model::Error(text::inWords<SentenceId::NoTextRead>(laneTitle(text.lane.source)));
  // Opening may take its time.
  events.progress(reading(laneTitle(text.lane.source), 0.0));
  LaneRequest lane = text.lane;
  lane.options.batch = 1;
  lane.options.attention = model::AttentionKernel::Shared;
  lane.options.contextLength = text.position + 1;
  lanes::LaneEngine engine = opener.open(lane, [](double) {});
  if (!engine.model) throw model::Error(text::inWords<SentenceId::NoModelToStudy>(engine.title()));
  return engine;
}

std::span<const int> upToPosition(const ReadText& text) {
  return std::span(text.tokens).first(static_cast<std::size_t>(text.position) + 1);
}

LensCell lensCell(std::span<const float> logits, int next) {
  model::Distribution likely = model::summarise(logits, LensStudy::kTokens);
  LensCell cell{.top = std::move(likely.candidates), .entropy = likely.entropy};
  if (next < 0) return cell;
  const auto target = static_cast<std::size_t>(next);
  const auto largest = static_cast<double>(*std::ranges::max_element(logits));
  double sum = 0.0;
  cell.nextRank = 1;
  for (std::size_t token = 0; token < logits.size(); ++token) {
    sum += std::exp(static_cast<double>(logits[token]) - largest);
    const bool isBefore =
        logits[token] > logits[target] || (logits[token] == logits[target] && token < target);
    cell.nextRank += isBefore ? 1 : 0;
  }
  cell.nextProbability = std::exp(static_cast<double>(logits[target]) - largest) / sum;
  return cell;
}

/// Without biases that add nothing, the largest first.
std::vector<AddedPart> partsOf(const evaluation::LogitAttribution& added,
                               const model::AttentionShape& heads) {
  using Kind = AddedPart::Kind;
  std::vector<AddedPart> parts{{.kind = Kind::Embedding, .contribution = added.embedding}};
  for (int layer = 0; layer < std::ssize(added.mlp); ++layer) {
    const auto index = static_cast<std::size_t>(layer);
    for (int head = 0; head < added.queryHeadCount; ++head) {
      parts.push_back({.kind = Kind::Head,
                       .layer = layer,
                       .queryHead = head,
                       .kvHead = heads.kvHeadOf(head),
                       .contribution = added.head(layer, head)});
    }
    parts.push_back(
        {.kind = Kind::AttentionBias, .layer = layer, .contribution = added.attentionBias[index]});
    parts.push_back({.kind = Kind::Mlp, .layer = layer, .contribution = added.mlp[index]});
  }
  parts.push_back({.kind = Kind::OutputBias, .contribution = added.outputBias});
  std::erase_if(parts, [](const AddedPart& part) {
    const bool isBias = part.kind == Kind::AttentionBias || part.kind == Kind::OutputBias;
    return isBias && part.contribution == 0.0;
  });
  std::ranges::stable_sort(parts, std::ranges::greater(),
                           [](const AddedPart& part) { return std::abs(part.contribution); });
  return parts;
}

}  // namespace

double AttributionReport::largest() const {
  return parts.empty() ? 0.0 : std::abs(parts.front().contribution);
}

AttributionReport studyInside(lanes::LaneOpener& opener, const AttributionStudy& study,
                              const StudyEvents& events) {
  const lanes::LaneEngine lane = openBeside(opener, study.text, events);
  AttributionReport report{.text = study.text,
                           .title = lane.title(),
                           .deviceName = lane.decoder->deviceName(),
                           .token = study.token,
                           .other = study.other};
  if (!report.other && !study.otherText.empty()) report.other = oneToken(study.otherText, lane);
  const std::span<const int> tokens = upToPosition(study.text);
  if (report.token < 0) report.token = likelyAfter(*lane.decoder, tokens).front().token;
  const evaluation::LogitAttribution added =
      evaluation::attributeLogit(*lane.decoder, *lane.model, tokens, study.text.position,
                                 {.token = report.token, .other = report.other});
  report.parts = partsOf(added, lane.decoder->config().attention);
  report.total = added.total;
  report.softCap = added.softCap;
  return report;
}

LensReport studyInside(lanes::LaneOpener& opener, const LensStudy& study, const StudyEvents& events) {
  const lanes::LaneEngine lane = openBeside(opener, study.text, events);
  LensReport report{.text = study.text,
                    .title = lane.title(),
                    .deviceName = lane.decoder->deviceName(),
                    .layerCount = lane.decoder->config().layerCount,
                    .first = std::max(0, study.text.position + 1 - LensStudy::kMostPositions)};
  report.cells.resize(static_cast<std::size_t>((report.layerCount + 1) * report.positions()));
  std::size_t done = 0;
  report.isWhole = evaluation::readLens(
      *lane.decoder, *lane.model, upToPosition(study.text),
      {.first = report.first, .count = report.positions()}, events.stop,
      [&](int layer, int position, std::span<const float> logits) {
        report.cells[static_cast<std::size_t>(layer * report.positions() + position - report.first)] =
            lensCell(logits, study.text.nextOf(position));
        events.progress(
            reading(report.title, static_cast<double>(++done) / static_cast<double>(report.cells.size())));
      });
  return report;
}

}  // namespace headroom::session
