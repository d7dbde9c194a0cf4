#include "core/engine/calibration.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/engine/vulkan_decoder.h"
#include "core/model/clock.h"
#include "core/model/error.h"
#include "core/model/statistics.h"

namespace headroom::engine {

namespace {

using model::Calibration;
using model::KernelFamily;
using model::KernelPlan;

constexpr int kMostContext = 4096;
constexpr int kLeastRounds = 3;
constexpr int kMostRounds = 9;
constexpr int kWarmUpSteps = 2;
constexpr double kWorthIt = 0.95;  ///< of the best time: what is closer is noise
constexpr double kHopeless = 1.5;  ///< of the best time: no further round is needed
/// From the first quarter to the third of sorted values, over the median.
double middleSpread(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t quarter = values.size() / 4;
  return (values[values.size() - 1 - quarter] - values[quarter]) / model::median(values);
}

/// Positions behind which steps are timed: a short and a long context of what the model was made for.
std::array<int, 2> measuredPositions(const model::ModelConfig& config) {
  const int most = std::clamp(config.contextLength, 2, kMostContext);
  return {std::max(1, most / 4), most - 1};
}

using Uploaded = std::shared_ptr<const DeviceModel>;

/// A decoder under measurement.
class Contender {
 public:
  Contender(Uploaded uploaded, const KernelPlan& plan)
      : m_uploaded(std::move(uploaded)),
        m_decoder(*m_uploaded,
                  {.contextLength = measuredPositions(m_uploaded->config()).back() + 1, .kernels = plan}) {}

  void fill(int positions) {
    m_positions = positions;
    m_decoder.fillCache(positions, 1);
    for (int step = 0; step < kWarmUpSteps; ++step) stepMs();
  }
  double stepMs() {
    m_decoder.truncate(m_positions);
    const int token = 1;
    return m_decoder.run(std::span(&token, 1), {}).front().wallTimeMs;
  }

  const KernelPlan& plan() const { return m_decoder.shape().plan; }
  bool canMergeLast() const { return m_decoder.shape().attendsByOctets(); }
  bool mergesLast() const { return m_decoder.shape().mergesLast; }
  const Uploaded& uploaded() const { return m_uploaded; }

 private:
  Uploaded m_uploaded;
  VulkanDecoder m_decoder;
  int m_positions = 0;
};

/// Thrown where a calibration is stopped.
struct Stopped {};

class Tournament {
 public:
  Tournament(const vulkan::Device& device, const model::Model& model, CalibrationLimits limits)
      : m_limits(std::move(limits)), m_positions(measuredPositions(model.config)) {
    m_result.device = device.info().name;
    m_result.driver = device.info().driver;
    m_result.date = model::dateText();
    m_result.shape = model::shapeText(model);
    m_result.measured =
        fmt::format("decode steps behind {} and {} positions, f32 cache", m_positions[0], m_positions[1]);
  }

  /// What cannot be made is no candidate.
  template <typename Make>
  void enter(const Make& make) {
    std::unique_ptr<Contender> contender;
    try {
      contender = make();
    } catch (const model::DeviceLost&) {
      throw;
    } catch (const model::Error& error) {
      m_lastError = error.what();
      return;
    }
    double stepMs = 0.0, ratio = 0.0;
    for (const int positions : m_positions) {
      const Match match = play(*contender, positions);
      stepMs += match.stepMs / static_cast<double>(m_positions.size());
      ratio += match.ratio / static_cast<double>(m_positions.size());
    }
    m_result.candidates.push_back({contender->plan(), stepMs});
    if (m_best && ratio > kWorthIt) return;
    m_best = std::move(contender);
    m_result.plan = m_best->plan();
  }

  bool hasBest() const { return m_best != nullptr; }
  /// To compare within the limits.
  bool takesTooLong() const { return m_takesTooLong; }
  Contender& best() {
    if (!m_best) throw model::Error(m_lastError);
    return *m_best;
  }
  Calibration finish() {
    best();
    if (m_isDisturbed) {
      m_result.plan = m_result.candidates.front().plan;
      m_result.measured += "; too noisy to choose by";
    }
    return std::move(m_result);
  }

 private:
  struct Match {
    double stepMs = 0.0;  ///< the contender's
    double ratio = 1.0;   ///< its time over that of the best
  };

  /// Steps of both in turns.
  Match play(Contender& contender, int positions) {
    fill(contender, positions);
    if (m_best) fill(*m_best, positions);
    const int rounds = m_best ? m_rounds : roundsFor(contender);
    std::vector<double> times, ratios;
    for (int round = 0; round < rounds; ++round) {
      const double bestMs = m_best ? stepOf(*m_best) : 0.0;
      times.push_back(stepOf(contender));
      if (m_best) ratios.push_back(times.back() / bestMs);
      if (m_best && round + 1 >= kLeastRounds && model::median(ratios) > kHopeless) break;
    }
    m_isDisturbed = m_isDisturbed || (m_limits.spread && middleSpread(times) > *m_limits.spread);
    return {model::median(times), m_best ? model::median(ratios) : 1.0};
  }
  void fill(Contender& contender, int positions) {
    stopWhereAsked();
    contender.fill(positions);
  }
  double stepOf(Contender& contender) {
    stopWhereAsked();
    return contender.stepMs();
  }
  void stopWhereAsked() const {
    if (m_limits.stop && m_limits.stop()) throw Stopped();
  }

  /// Of the first one, which decides for all.
  int roundsFor(Contender& first) {
    if (!m_limits.seconds) return m_rounds = kMostRounds;
    // Two take turns at each context, behind the steps that warm up.
    const double perRound = 2.0 * static_cast<double>(kMostCandidates * m_positions.size()) * stepOf(first);
    const int possible = static_cast<int>(*m_limits.seconds * 1000.0 / perRound) - kWarmUpSteps;
    m_takesTooLong = m_takesTooLong || possible < kLeastRounds;
    return m_rounds = m_takesTooLong ? 1 : std::min(possible, kMostRounds);
  }

  /// Of matrices that lie already.
  static constexpr int kMostCandidates = 7;

  CalibrationLimits m_limits;
  std::array<int, 2> m_positions;
  int m_rounds = kMostRounds;
  bool m_takesTooLong = false;
  bool m_isDisturbed = false;
  Calibration m_result;
  std::unique_ptr<Contender> m_best;
  std::string m_lastError;
};

/// Workgroups and splits for matrices that lie as they do.
void chooseWorkgroups(Tournament& tournament, const Uploaded& uploaded) {
  const auto enter = [&](const KernelPlan& plan) {
    tournament.enter([&] { return std::make_unique<Contender>(uploaded, plan); });
  };
  if (uploaded->plan().family == KernelFamily::Rows) {
    for (const int invocations : {64, 128, 512}) {
      KernelPlan plan = uploaded->plan();
      plan.invocations = invocations;
      enter(plan);
    }
  }
  if (tournament.best().canMergeLast()) {
    KernelPlan plan = tournament.best().plan();
    plan.merging = tournament.best().mergesLast() ? model::AttentionMerging::Apart
                                                  : model::AttentionMerging::LastWorkgroup;
    enter(plan);
  }
  const KernelPlan chosen = tournament.best().plan();
  for (const int workgroups : {chosen.attentionWorkgroups / 2, chosen.attentionWorkgroups * 2}) {
    if (workgroups < 1) continue;
    KernelPlan plan = chosen;
    plan.attentionWorkgroups = workgroups;
    enter(plan);
  }
}

}  // namespace

Calibration calibrate(vulkan::Device& device, const model::Model& model) {
  Tournament tournament(device, model, {});
  const auto enter = [&](const KernelPlan& plan) {
    tournament.enter([&] {
      auto uploaded = std::make_shared<const DeviceModel>(device, model, plan);
      const KernelPlan whole = uploaded->plan();
      return std::make_unique<Contender>(std::move(uploaded), whole);
    });
  };
  enter({.family = KernelFamily::Packed});
  enter({.family = KernelFamily::Rows});
  const KernelPlan family = tournament.best().plan();
  if (family.family == KernelFamily::Packed) {
    for (const int rowBlocks : {2, 8}) {
      KernelPlan plan = family;
      plan.rowBlocks = rowBlocks;
      enter(plan);
    }
  }
  chooseWorkgroups(tournament, Uploaded(tournament.best().uploaded()));
  return tournament.finish();
}

Calibration calibrate(const DeviceModel& uploaded, const model::Model& model,
                      const CalibrationLimits& limits) {
  try {
    Tournament tournament(uploaded.device(), model, limits);
    const Uploaded shared(Uploaded(), &uploaded);  // whose owner is the caller
    tournament.enter([&] { return std::make_unique<Contender>(shared, uploaded.plan()); });
    if (!tournament.hasBest()) return {};
    if (!tournament.takesTooLong()) chooseWorkgroups(tournament, shared);
    return tournament.finish();
  } catch (const Stopped&) {
    return {};
  }
}

}  // namespace headroom::engine
