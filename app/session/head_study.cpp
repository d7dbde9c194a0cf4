#include "app/session/head_study.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/evaluation/head_means.h"
#include "core/lanes/prompt.h"
#include "core/model/decoder.h"
#include "core/model/error.h"
#include "core/text/phrases.h"

namespace headroom::session {

namespace {

using model::SentenceId;

/// The lane's model with all its heads, in one sequence whose context holds `positions`.
lanes::LaneEngine openWhole(lanes::LaneOpener& opener, LaneRequest lane, std::size_t positions) {
  lane.options.changes.clear();
  lane.options.batch = 1;
  lane.options.attention = model::AttentionKernel::Shared;
  lane.options.contextLength = static_cast<int>(positions);
  return opener.open(lane, [](double) {});
}

/// The same, or what the model was made for.
lanes::LaneEngine openWhole(lanes::LaneOpener& opener, const LaneRequest& lane,
                            const model::ModelConfig& config, std::size_t positions) {
  return openWhole(opener, lane, std::min(positions, static_cast<std::size_t>(config.contextLength)));
}

std::string shownText(const std::string& textName) {
  return textName.empty() ? text::inWords<SentenceId::TextOfLane>() : textName;
}

}  // namespace

HeadReport studyHeads(lanes::LaneOpener& opener, const LaneRequest& lane, const lanes::LaneEngine& engine,
                      const std::vector<int>& read, const HeadStudy& study, const StudyEvents& events) {
  const std::string title = lanes::laneTitle(lane.source);
  if (!engine.model) throw model::Error(text::inWords<SentenceId::NoModelToStudy>(engine.title()));
  HeadReport report{.lane = lane,
                    .title = title,
                    .config = engine.decoder->config(),
                    .deviceName = {},
                    .textName = study.text.name,
                    .tokens = study.text.ofLanes()
                                  ? read
                                  : lanes::promptTokens({study.text.text, PromptForm::Text}, engine),
                    .repeated = study.repeated,
                    .survey = {},
                    .weights = {}};
  if (report.tokens.size() < 2) throw model::Error(text::inWords<SentenceId::NoTextToStudy>(engine.title()));
  const std::size_t again = evaluation::tokensOf(study.repeated, report.config.vocabSize).size();
  const lanes::LaneEngine whole =
      openWhole(opener, lane, report.config, std::max(report.tokens.size(), again));
  report.deviceName = whole.decoder->deviceName();
  report.survey = evaluation::surveyHeads(
      *whole.decoder, report.tokens, study.repeated, events.stop,
      [&](std::int64_t done, std::int64_t total) {
        events.progress({.underWay = true,
                         .title = title,
                         .text = shownText(report.textName),
                         .share = static_cast<double>(done) / static_cast<double>(total)});
      },
      {.model = &*engine.model});
  report.weights = analysis::weightSubspaces(*engine.model);
  return report;
}

void measureMeans(lanes::LaneOpener& opener, LaneRequest& lane, std::span<const int> read,
                  const StudyEvents& events) {
  if (std::ranges::all_of(lane.options.changes, model::isMeasured)) return;
  const std::string title = lanes::laneTitle(lane.source);
  if (read.empty()) throw model::Error(text::inWords<SentenceId::NoTextForMean>(title));
  const lanes::LaneEngine whole = openWhole(opener, lane, read.size());
  const bool isWhole = evaluation::measureMeans(
      *whole.decoder, read, lane.options.changes, events.stop, [&](std::int64_t done, std::int64_t total) {
        events.progress({.underWay = true,
                         .title = title,
                         .text = shownText({}),
                         .share = static_cast<double>(done) / static_cast<double>(total)});
      });
  if (!isWhole) throw model::Cancelled(text::inWords<SentenceId::MeanStopped>(title));
}

evaluation::AblationSurvey studyLosses(lanes::LaneOpener& opener, LossStudy study,
                                       const std::function<void(const evaluation::AblationSurvey&)>& told,
                                       const StudyEvents& events) {
  const HeadReport& report = study.report;
  const lanes::LaneEngine whole = openWhole(opener, report.lane, report.config, report.tokens.size());
  evaluation::AblationSurvey& known = study.known;
  const auto isKnown = [&](const evaluation::AblatedHead& head) {
    return std::ranges::any_of(known.heads, [&](const evaluation::AblationSurvey::Head& other) {
      return other.layer == head.layer && other.head == head.head;
    });
  };
  std::erase_if(study.heads, isKnown);
  if (study.heads.empty()) return std::move(known);
  known.asked.clear();
  for (const evaluation::AblationSurvey::Head& head : known.heads)
    known.asked.push_back({head.layer, head.head});
  known.asked.insert(known.asked.end(), study.heads.begin(), study.heads.end());
  std::size_t toldHeads = known.heads.size();
  std::optional<std::int64_t> from;  // what was read in earlier studies
  evaluation::surveyAblation(
      *whole.decoder, report.tokens, known, events.stop, [&](std::int64_t done, std::int64_t total) {
        if (known.heads.size() > toldHeads) told(known);
        toldHeads = known.heads.size();
        if (!from) from = known.heads.empty() ? 0 : done;
        events.progress({.underWay = true,
                         .title = report.title,
                         .text = shownText(report.textName),
                         .share = static_cast<double>(done - *from) /
                                  static_cast<double>(std::max<std::int64_t>(1, total - *from))});
      });
  told(known);
  return std::move(known);
}

}  // namespace headroom::session
