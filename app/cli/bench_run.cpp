#include "app/cli/bench_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>
#include <random>

#include "app/cli/interrupt.h"
#include "app/cli/lane_run.h"
#include "core/engine/reference_fallback.h"
#include "core/engine/vulkan_decoder.h"
#include "core/lanes/lane_set.h"
#include "core/model/error.h"
#include "core/model/statistics.h"
#include "core/reference/reference_decoder.h"

namespace headroom::cli {

namespace {

constexpr int kCheckedTokens = 8;
constexpr int kMostSteps = 64;
constexpr int kFewestSteps = 3;
/// Beyond this the reference, with 8 bytes per parameter, would take more memory than it is worth.
constexpr std::uint64_t kMostCheckedParameters = 1'000'000'000;
constexpr double kLimitF32 = 1e-4;
constexpr double kLimitF16 = 1e-2;

std::vector<int> checkTokens(const BenchModel& model) {
  std::vector<int> tokens;
  for (int i = 0; i < kCheckedTokens; ++i) tokens.push_back((i * 37 + 1) % model.model().config.vocabSize);
  return tokens;
}

/// A row while it is being measured.
class Case {
 public:
  Case(lanes::DeviceLanes& opener, const BenchModel& model, const BenchSetting& setting,
       const BenchOptions& options)
      : m_model(model), m_options(options), m_opener(opener), m_lane(makeLane()) {
    m_row.setting = setting;
    if (const auto note = engine::referenceNote(model.model().config, {})) {
      throw model::Error(fmt::format("{}: {} There are no kernels to measure.", model.name, *note));
    }
    std::vector<lanes::LaneSet::Place> places(1);
    places.front().engine = opener.decode(opener.share(model.use),
                                          {.kvType = setting.kvType,
                                           .batch = setting.batch,
                                           .contextLength = setting.context + kMostSteps + kCheckedTokens,
                                           .attention = setting.attention});
    // A lane begins with a text: the first of the checked tokens.
    m_lane->arrange(std::move(places), [&](int) { return std::vector{checkTokens(m_model).front()}; });
  }

  /// Throws when the logits are not the reference's.
  void check(std::span<const float> expected) {
    m_capture = model::Capture::none();
    m_lane->fillBlock();
    rethrowFailure(*m_lane);
    m_row.firstStepMs = m_last.wallTimeMs;
    const std::vector<int> tokens = checkTokens(m_model);
    for (int token : std::span(tokens).subspan(1)) feed(token);
    m_capture = m_options.capture;
    if (expected.empty()) return;
    m_row.logitsError = model::relativeError(decoder().logits(), expected);
    const double limit = m_row.setting.kvType == model::KvType::F32 ? kLimitF32 : kLimitF16;
    if (!(m_row.logitsError <= limit)) {
      throw model::Error(
          fmt::format("{}: the logits differ from the reference by {:.1e}, expected at most {:.0e}; "
                      "nothing is measured of a wrong result",
                      m_model.name, m_row.logitsError, limit));
    }
  }

  /// Throws when the kernels count other bytes than are declared of them.
  void audit() {
    engine::VulkanDecoder audited(*m_opener.onDevice(m_model.use), decoder().options(),
                                  engine::KernelBuild::Audit);
    if (m_row.setting.context > 0) audited.fillCache(m_row.setting.context, m_options.seed);
    const int token = 1;
    const model::StepRecord record = audited.run(std::span(&token, 1), m_options.capture).front();
    model::Traffic sum;
    bool isWhole = true;
    for (std::size_t stage = 0; stage < record.stages.size(); ++stage) {
      const std::uint64_t declared = record.stages[stage].issued.total();
      const std::uint64_t counted = audited.audited()[stage].total();
      sum += audited.audited()[stage];
      // Counters have 32 bits for each class.
      isWhole = isWhole && declared <= UINT32_MAX;
      if (record.stages[stage].issued == audited.audited()[stage] || declared > UINT32_MAX) continue;
      throw model::Error(fmt::format("{}: {} of layer {} declares {} bytes, its audit counts {}",
                                     m_model.name, stageName(record.stages[stage].stage),
                                     record.stages[stage].layer, declared, counted));
    }
    if (isWhole) m_row.counted = sum;
  }

  void warmUp() {
    if (m_row.setting.context > 0) decoder().fillCache(m_row.setting.context, m_options.seed);
    m_lane->rewind(0, m_row.setting.context);
    double spent = 0.0;
    int steps = 0;
    for (; steps == 0 || (spent < m_options.warmUpMs && !interrupted()); ++steps) spent += step().wallTimeMs;
    m_row.steps = std::clamp(static_cast<int>(std::lround(m_options.roundMs * steps / spent)), kFewestSteps,
                             kMostSteps);
  }

  void measureRound() {
    m_lane->rewind(0, m_row.setting.context);
    analysis::StepSummary round;
    for (int i = 0; i < m_row.steps; ++i) {
      if (interrupted()) return;  // part of a round is none
      const model::StepRecord& record = feed(i % m_model.model().config.vocabSize);
      if (i == 0) {
        m_row.issued = record.issued();
        m_row.logical = record.logical();
      }
      m_lastSteps.push_back(record);
      m_lastSteps.back().attention = {};
      if (m_lastSteps.size() > static_cast<std::size_t>(analysis::kRecentSteps))
        m_lastSteps.erase(m_lastSteps.begin());
      round.add(record);
    }
    m_row.rounds.push_back(round);
  }

  bool isMeasured() const { return !m_row.rounds.empty(); }

  BenchRow finish() {
    m_row.measurement = analysis::measureLane(m_model.model().config, decoder().options(), m_lastSteps);
    m_row.workingSetBytes = m_row.measurement.workingSetBytes();
    return m_row;
  }

 private:
  std::unique_ptr<lanes::LaneSet> makeLane() {
    return std::make_unique<lanes::LaneSet>(
        lanes::LaneSet::Options{},
        [this](int, int, int) {
          return lanes::LaneSet::Block{1, m_capture};
        },
        lanes::LaneSet::Events{.stepDone = [this](lanes::LaneStep step) { m_last = std::move(step.record); },
                               .laneStopped = {}});
  }

  /// Models that run on the reference are refused, so every decoder is one of the device.
  engine::VulkanDecoder& decoder() { return static_cast<engine::VulkanDecoder&>(m_lane->decoder(0)); }

  const model::StepRecord& feed(int token) {
    m_lane->feed(0, std::span(&token, 1));
    rethrowFailure(*m_lane);
    return m_last;
  }

  /// One step behind the row's context; the position goes back to it when the cache would run full.
  const model::StepRecord& step() {
    if (decoder().position() >= m_row.setting.context + kMostSteps) m_lane->rewind(0, m_row.setting.context);
    return feed(decoder().position() % m_model.model().config.vocabSize);
  }

  const BenchModel& m_model;
  const BenchOptions& m_options;
  lanes::DeviceLanes& m_opener;
  model::Capture m_capture;
  model::StepRecord m_last;
  std::unique_ptr<lanes::LaneSet> m_lane;
  BenchRow m_row;
  std::vector<model::StepRecord> m_lastSteps;
};

/// Logits of the reference after the checked tokens; empty for a model that is too large for it.
std::vector<float> referenceLogits(const BenchModel& model) {
  if (model.model().weights.parameterCount() > kMostCheckedParameters) return {};
  reference::ReferenceDecoder decoder(model.model(), {.contextLength = kCheckedTokens});
  decoder.run(checkTokens(model), {});
  return {decoder.logits().begin(), decoder.logits().end()};
}

}  // namespace

BenchOutcome runBench(lanes::DeviceLanes& opener, const std::vector<BenchModel>& models,
                      const std::vector<BenchSetting>& settings, const BenchOptions& options,
                      const BenchProgress& progress) {
  std::vector<std::vector<float>> expected;
  for (const BenchModel& model : models) {
    if (interrupted()) return {.isInterrupted = true};
    progress(fmt::format("checking {}", model.name));
    expected.push_back(referenceLogits(model));
  }
  std::deque<Case> cases;
  for (const BenchSetting& setting : settings) {
    if (interrupted()) return {.isInterrupted = true};
    const auto index = static_cast<std::size_t>(setting.model);
    progress(fmt::format("warming up {} at context {}", models[index].name, setting.context));
    cases.emplace_back(opener, models[index], setting, options);
    cases.back().check(expected[index]);
    if (options.audit) cases.back().audit();
    cases.back().warmUp();
  }
  std::mt19937 random(options.seed);
  std::vector<std::size_t> order(cases.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (int round = 0; round < options.rounds && !interrupted(); ++round) {
    progress(fmt::format("round {} of {}", round + 1, options.rounds));
    std::ranges::shuffle(order, random);
    for (std::size_t index : order) cases[index].measureRound();
  }
  BenchOutcome outcome;
  for (Case& measured : cases) {
    if (!measured.isMeasured()) continue;
    outcome.rows.push_back(measured.finish());
    outcome.isInterrupted = outcome.isInterrupted || std::ssize(outcome.rows.back().rounds) < options.rounds;
  }
  outcome.isInterrupted = outcome.isInterrupted || outcome.rows.size() < cases.size();
  return outcome;
}

}  // namespace headroom::cli
