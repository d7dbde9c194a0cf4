#include "core/training/adamw.h"

#include <cmath>
#include <numbers>

#include <Eigen/Core>

namespace headroom::training {

AdamW::AdamW(const ParameterLayout& layout, const AdamWOptions& options)
    : m_options(options),
      m_slots(layout.all()),
      m_firstMoment(layout.size()),
      m_secondMoment(layout.size()) {}

void AdamW::update(std::span<float> parameters, std::span<const float> gradient, float learningRate,
                   std::int64_t updateNumber) {
  const double number = static_cast<double>(updateNumber);
  const float firstCorrection = static_cast<float>(1.0 / (1.0 - std::pow(m_options.beta1, number)));
  const float secondCorrection = static_cast<float>(1.0 / (1.0 - std::pow(m_options.beta2, number)));
  using Array = Eigen::Map<Eigen::ArrayXf>;
  using ConstArray = Eigen::Map<const Eigen::ArrayXf>;
  for (const ParameterSlot& slot : m_slots) {
    const auto size = static_cast<Eigen::Index>(slot.size());
    Array values(parameters.data() + slot.offset, size);
    const ConstArray slopes(gradient.data() + slot.offset, size);
    Array first(m_firstMoment.data() + slot.offset, size);
    Array second(m_secondMoment.data() + slot.offset, size);
    first = m_options.beta1 * first + (1.0f - m_options.beta1) * slopes;
    second = m_options.beta2 * second + (1.0f - m_options.beta2) * slopes.square();
    if (slot.isMatrix) values *= 1.0f - learningRate * m_options.weightDecay;
    values -=
        learningRate * (first * firstCorrection) / ((second * secondCorrection).sqrt() + m_options.epsilon);
  }
}

float learningRateAt(std::int64_t step, std::int64_t warmupSteps, std::int64_t stepCount, float peak) {
  if (step < warmupSteps) return peak * static_cast<float>(step + 1) / static_cast<float>(warmupSteps);
  const double done = static_cast<double>(step - warmupSteps) /
                      static_cast<double>(std::max<std::int64_t>(1, stepCount - warmupSteps));
  const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(1.0, done)));
  return peak * static_cast<float>(0.02 + 0.98 * cosine);
}

}  // namespace headroom::training
