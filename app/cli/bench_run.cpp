#include "app/cli/bench_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <random>

#include "app/cli/interrupt.h"
#include "core/engine/reference_fallback.h"
#include "core/engine/vulkan_decoder.h"
#include "core/evaluation/shuffled_turns.h"
#include "core/evaluation/step_timer.h"
#include "core/model/error.h"
#include "core/model/statistics.h"
#include "core/reference/reference_decoder.h"

namespace headroom::cli {

namespace {

constexpr int kCheckedTokens = 8;
/// Beyond this the reference, with 8 bytes per parameter, would take more memory than it is worth;
/// benchText() says so.
constexpr std::uint64_t kMostCheckedParameters = 1'000'000'000;
constexpr double kLimitF32 = 1e-4;
constexpr double kLimitF16 = 1e-2;

using evaluation::StepTimer;

/// A timer's text begins with the first of them.
std::vector<int> checkTokens(const BenchModel& model) {
  std::vector<int> tokens;
  for (int i = 0; i < kCheckedTokens; ++i)
    tokens.push_back((i * 37 + StepTimer::kFirstToken) % model.model().config.vocabSize);
  return tokens;
}

/// Room for a round behind `positions`; of a model that learned more, its own.
int contextFor(const BenchModel& model, int positions) {
  const model::ModelConfig& config = model.model().config;
  const int needed = positions + StepTimer::kMostSteps;
  if (needed <= config.contextLength) return 0;
  if (config.traits.positions == model::Positions::Learned) {
    throw model::Error(fmt::format(
        "{} has learned {} positions, {} and {} to decode are asked for, expected a --context of {} at most.",
        model.name, config.contextLength, positions, StepTimer::kMostSteps,
        config.contextLength - StepTimer::kMostSteps));
  }
  return (needed + 63) / 64 * 64;
}

lanes::LaneEngine engineFor(lanes::DeviceLanes& opener, const BenchModel& model,
                            const BenchSetting& setting) {
  if (const auto note = engine::referenceNote(model.model().config, {})) {
    throw model::Error(fmt::format("{}: {} There are no kernels to measure.", model.name, *note));
  }
  return opener.decode(opener.share(model.use), {.kvType = setting.kvType,
                                                 .batch = setting.batch,
                                                 .contextLength = contextFor(model, setting.context),
                                                 .attention = setting.attention});
}

/// A row while it is being measured.
class Case {
 public:
  Case(lanes::DeviceLanes& opener, const BenchModel& model, const BenchSetting& setting,
       const BenchOptions& options)
      : m_model(model),
        m_options(options),
        m_opener(opener),
        m_timer(engineFor(opener, model, setting), {.positions = setting.context,
                                                    .warmUpMs = options.warmUpMs,
                                                    .roundMs = options.roundMs,
                                                    .seed = options.seed,
                                                    .capture = options.capture,
                                                    .logits = options.logits,
                                                    .ahead = options.ahead}) {
    m_row.setting = setting;
    m_row.firstStepMs = m_timer.last().wallTimeMs;
  }

  /// Throws when the logits are not the reference's.
  void check(std::span<const float> expected) {
    const std::vector<int> tokens = checkTokens(m_model);
    for (int token : std::span(tokens).subspan(1)) m_timer.feed(token);
    if (expected.empty()) return;
    m_row.logitsError = model::relativeError(m_timer.decoder().logits(), expected);
    const double limit = m_row.setting.kvType == model::KvType::F32 ? kLimitF32 : kLimitF16;
    if (!(*m_row.logitsError <= limit)) {
      throw model::Error(
          fmt::format("{}: the logits differ from the reference by {:.1e}, expected at most {:.0e}; "
                      "nothing is measured of a wrong result",
                      m_model.name, *m_row.logitsError, limit));
    }
  }

  /// Throws when the kernels count other bytes than are declared of them.
  void audit() {
    engine::VulkanDecoder audited(*m_opener.onDevice(m_model.use), m_timer.decoder().options(),
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
    m_timer.warmUp(interrupted);
    m_row.steps = m_timer.stepsPerRound();
  }

  void measureRound() {
    analysis::StepSummary round, timed;
    const auto keep = [&](const model::StepRecord& record) {
      if (timed.stepCount == 0) m_atContext = record;
      timed.add(record);
    };
    // Part of a round is none.
    if (!m_timer.round(interrupted, [&](const model::StepRecord& record) { round.add(record); })) return;
    if (!m_timer.timeStages(interrupted, keep)) return;
    m_row.rounds.push_back(round);
    m_row.timed.push_back(timed);
  }

  bool isMeasured() const { return !m_row.rounds.empty(); }

  BenchRow finish() {
    m_row.measure(m_model.model().config, m_timer.decoder().options(), m_atContext);
    return m_row;
  }

 private:
  const BenchModel& m_model;
  const BenchOptions& m_options;
  lanes::DeviceLanes& m_opener;
  StepTimer m_timer;
  BenchRow m_row;
  model::StepRecord m_atContext;  ///< the first step of a round
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
  evaluation::ShuffledTurns turns(cases.size(), random);
  for (int round = 0; round < options.rounds && !interrupted(); ++round) {
    progress(fmt::format("round {} of {}", round + 1, options.rounds));
    // An interrupted case ends its round itself; what the others have done counts.
    turns.round([&](std::size_t index) {
      cases[index].measureRound();
      return true;
    });
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
