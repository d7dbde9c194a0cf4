#include "app/session/speed_sweep_plan.h"

#include <algorithm>
#include <utility>

#include "core/analysis/verdict.h"
#include "core/lanes/device_lanes.h"
#include "core/model/clock.h"
#include "core/model/common_fill.h"

namespace headroom::session {

namespace {

constexpr int kShortestSweep = 4096;
constexpr int kLongestSweep = 16384;

std::vector<evaluation::SweepSubject> subjectsOf(const lanes::LaneSet& lanes,
                                                 const std::vector<lanes::LaneRequest>& requests,
                                                 lanes::LaneOpener& opener) {
  std::vector<evaluation::SweepSubject> subjects;
  for (int index = 0; index < lanes.laneCount(); ++index) {
    const lanes::LaneEngine& engine = lanes.lane(index).engine;
    const lanes::LaneRequest& request = requests[static_cast<std::size_t>(index)];
    if (!engine.decoder->isOnDevice()) continue;
    for (const model::AttentionKernel kernel :
         {model::AttentionKernel::Shared, model::AttentionKernel::Naive}) {
      const model::ModelConfig& config = engine.decoder->config();
      const bool isAlike = kernel == model::AttentionKernel::Naive && config.attention.groupSize() == 1;
      const analysis::SpeedCurve curve = analysis::emptyCurve(
          lanes::laneTitle(request.source), request.source, config, kernel, request.options.kvType);
      const bool isThere = std::ranges::any_of(
          subjects, [&](const evaluation::SweepSubject& other) { return other.curve.isOf(curve); });
      if (isAlike || isThere) continue;
      subjects.push_back(
          {.curve = curve, .open = [&opener, request, kernel, config](int positions, int batch) {
             // As a lane has it that goes there.
             lanes::LaneRequest wanted = request;
             wanted.options.contextLength = model::contextToFill(config, positions);
             wanted.options.batch = batch;
             wanted.options.attention = kernel;
             wanted.options.changes.clear();
             return opener.open(wanted, [](double) {});
           }});
    }
  }
  return subjects;
}

}  // namespace

SpeedSweepPlan planSpeedSweep(const lanes::LaneSet& lanes, const std::vector<lanes::LaneRequest>& requests,
                              lanes::LaneOpener& opener) {
  SpeedSweepPlan plan{.subjects = subjectsOf(lanes, requests, opener), .options = {}};
  if (plan.subjects.empty()) return plan;
  std::vector<const model::Decoder*> measured;
  for (int index = 0; index < lanes.laneCount(); ++index) {
    const model::Decoder& decoder = *lanes.lane(index).engine.decoder;
    if (decoder.isOnDevice()) measured.push_back(&decoder);
  }
  const int most = std::min(kLongestSweep, model::commonFill(measured, [](const model::Decoder* decoder) {
                              return model::mostFill(decoder->config());
                            }));
  int longest = kShortestSweep;
  std::uint64_t bytesPerPosition = 0;
  for (const model::Decoder* decoder : measured) {
    longest = std::max(longest, 2 * decoder->position());
    bytesPerPosition =
        std::max(bytesPerPosition, model::kvCacheBytes(decoder->config(), decoder->options().kvType, 1));
  }
  plan.deviceName = measured.front()->deviceName();
  plan.options.points =
      evaluation::sweepPoints(measured.front()->options().batch, std::min(longest, most), bytesPerPosition);
  return plan;
}

std::vector<std::string> runSpeedSweep(const SpeedSweepPlan& plan, const evaluation::SweepEvents& events) {
  const std::string date = model::dateText();
  const auto tell = [&](analysis::SpeedMap map) {
    map.device = plan.deviceName;
    map.date = date;
    events.pointDone(map);
  };
  evaluation::SweepResult result = evaluation::sweepSpeed(
      plan.subjects, plan.options, {.progress = events.progress, .pointDone = tell, .stop = events.stop});
  tell(std::move(result.map));
  return result.skipped;
}

}  // namespace headroom::session
