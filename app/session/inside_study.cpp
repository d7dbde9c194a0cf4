#include "app/session/inside_study.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "core/evaluation/logit_lens.h"
#include "core/model/error.h"
#include "core/text/phrases.h"

namespace headroom::session {

namespace {

using model::SentenceId;

/// What the lane decodes, changed heads among it, in one sequence whose context holds the text.
lanes::LaneEngine openBeside(lanes::LaneOpener& opener, const ReadText& text) {
  if (text.fed < 1) throw model::Error(text::inWords<SentenceId::NoTextRead>(laneTitle(text.lane.source)));
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

}  // namespace

LensReport studyInside(lanes::LaneOpener& opener, const LensStudy& study, const StudyEvents& events) {
  const lanes::LaneEngine lane = openBeside(opener, study.text);
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
        events.progress({.underWay = true,
                         .title = report.title,
                         .text = text::inWords<SentenceId::TextOfLane>(),
                         .share = static_cast<double>(++done) / static_cast<double>(report.cells.size())});
      });
  return report;
}

}  // namespace headroom::session
