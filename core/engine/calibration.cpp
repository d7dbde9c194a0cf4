#include "core/engine/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/engine/vulkan_decoder.h"
#include "core/model/clock.h"
#include "core/model/error.h"
#include "core/model/statistics.h"

namespace headroom::engine {

namespace {

using model::Calibration;
using model::KernelFamily;
using model::KernelPlan;

constexpr int kContext = 1024;
constexpr int kRounds = 9;
constexpr double kWorthIt = 0.95;  ///< of the best time: what is closer is noise

/// A decoder under measurement.
class Contender {
 public:
  Contender(vulkan::Device& device, const model::Model& model, const KernelPlan& plan)
      : m_deviceModel(device, model, plan), m_decoder(m_deviceModel, {.contextLength = kContext + 1}) {
    m_decoder.fillCache(kContext, 1);
    for (int warmUp = 0; warmUp < 2; ++warmUp) stepMs();
  }

  double stepMs() {
    m_decoder.truncate(kContext);
    const int token = 1;
    return m_decoder.run(std::span(&token, 1), {}).front().wallTimeMs;
  }

  const KernelPlan& plan() const { return m_decoder.shape().plan; }

 private:
  DeviceModel m_deviceModel;
  VulkanDecoder m_decoder;
};

class Tournament {
 public:
  Tournament(vulkan::Device& device, const model::Model& model) : m_device(device), m_model(model) {
    m_result.device = device.info().name;
    m_result.driver = device.info().driver;
    m_result.date = model::dateText();
    m_result.measured =
        fmt::format("decode step, {} layers, d {}, {} query heads x {}, context {}", model.config.layerCount,
                    model.config.modelDim, model.config.attention.queryHeadCount,
                    model.config.attention.headDim, kContext);
  }

  /// A plan that cannot run here is no candidate.
  void tryPlan(const KernelPlan& plan) {
    std::unique_ptr<Contender> contender;
    try {
      contender = std::make_unique<Contender>(m_device, m_model, plan);
    } catch (const model::Error& error) {
      m_lastError = error.what();
      return;
    }
    std::vector<double> times, bestTimes, ratios;
    for (int round = 0; round < kRounds; ++round) {
      if (m_best) bestTimes.push_back(m_best->stepMs());
      times.push_back(contender->stepMs());
      if (m_best) ratios.push_back(times.back() / bestTimes.back());
    }
    m_result.candidates.push_back({contender->plan(), model::median(times)});
    if (m_best && model::median(ratios) > kWorthIt) return;
    m_best = std::move(contender);
    m_result.plan = m_best->plan();
  }

  const KernelPlan& best() const {
    if (!m_best) throw model::Error(m_lastError);
    return m_best->plan();
  }
  Calibration finish() { return std::move(m_result); }

 private:
  vulkan::Device& m_device;
  const model::Model& m_model;
  Calibration m_result;
  std::unique_ptr<Contender> m_best;
  std::string m_lastError;
};

}  // namespace

Calibration calibrate(vulkan::Device& device, const model::Model& model) {
  Tournament tournament(device, model);
  tournament.tryPlan({.family = KernelFamily::Packed});
  tournament.tryPlan({.family = KernelFamily::Rows});
  const KernelPlan family = tournament.best();
  if (family.family == KernelFamily::Packed) {
    for (int rowBlocks : {2, 8}) {
      KernelPlan plan = family;
      plan.rowBlocks = rowBlocks;
      tournament.tryPlan(plan);
    }
  } else {
    for (int invocations : {64, 128, 512}) {
      KernelPlan plan = family;
      plan.invocations = invocations;
      tournament.tryPlan(plan);
    }
  }
  const KernelPlan projections = tournament.best();
  for (int workgroups : {projections.attentionWorkgroups / 2, projections.attentionWorkgroups * 2}) {
    if (workgroups < 1) continue;
    KernelPlan plan = projections;
    plan.attentionWorkgroups = workgroups;
    tournament.tryPlan(plan);
  }
  return tournament.finish();
}

}  // namespace headroom::engine
