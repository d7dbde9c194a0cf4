#include "app/session/presets.h"

#include <algorithm>
#include <vector>

#include "app/session/settings.h"
#include "core/model/common_fill.h"

namespace headroom::session {

namespace {
constexpr double kReadingPace = 10.0;  ///< tokens per second that a class can follow
constexpr int kPresetBatch = 8;

void fillContexts(lanes::Experiment& experiment, std::span<const LaneInfo> lanes) {
  std::vector<int> contexts;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    const LaneInfo& info = lanes[lane];
    if (info.card.isTrace) continue;
    const bool isOffered = info.config.contextLength <= model::kMostOfferedContext;
    experiment.lanes[lane].options.contextLength = isOffered ? 0 : model::kMostOfferedContext;
    contexts.push_back(std::min(info.config.contextLength, model::kMostOfferedContext));
  }
  if (!contexts.empty()) experiment.fill = model::commonFill(contexts, model::mostFilled);
}
}  // namespace

std::string presetName(Preset preset) {
  switch (preset) {
    case Preset::Class:
      return "Class";
    case Preset::LongContext:
      return "Long context";
    case Preset::Batch8:
      return "Batch 8";
    case Preset::FirstStart:
      break;
  }
  return "Reset to the start";
}

std::string presetPurpose(Preset preset) {
  switch (preset) {
    case Preset::Class:
      return "MHA, GQA and MQA side by side in lockstep, batch 1, at a pace to read along";
    case Preset::LongContext:
      return "Fill the caches as far as the lanes' models were trained, with room to decode";
    case Preset::Batch8:
      return "Every lane decodes eight sequences at once";
    case Preset::FirstStart:
      break;
  }
  return "Lanes, prompt and settings of the first start";
}

lanes::Experiment withPreset(Preset preset, const lanes::Experiment& now, std::span<const LaneInfo> lanes) {
  const lanes::Experiment first = Settings::firstStart();
  lanes::Experiment experiment = now;
  switch (preset) {
    case Preset::Class:
      // MHA and MQA in the colours of the first start.
      experiment.lanes = {{"mha", 0, {}}, {"gqa", 2, {}}, {"mqa", 1, {}}};
      experiment.tokensPerSecond = kReadingPace;
      experiment.feed = TokenFeed::Lockstep;
      experiment.fill = 0;
      if (now.promptForm != PromptForm::Text) {
        experiment.prompt = first.prompt;
        experiment.promptForm = first.promptForm;
      }
      return experiment;
    case Preset::LongContext:
      fillContexts(experiment, lanes);
      return experiment;
    case Preset::Batch8:
      for (std::size_t lane = 0; lane < experiment.lanes.size(); ++lane) {
        const bool isTrace = lane < lanes.size() && lanes[lane].card.isTrace;
        if (!isTrace) experiment.lanes[lane].options.batch = kPresetBatch;
      }
      return experiment;
    case Preset::FirstStart:
      break;
  }
  return first;
}

}  // namespace headroom::session
