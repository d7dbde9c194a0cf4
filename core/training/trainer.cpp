#include "core/training/trainer.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <Eigen/Core>

#include "core/model/clock.h"
#include "core/model/error.h"
#include "core/training/checkpoint.h"

namespace headroom::training {

namespace {

/// Windows looked at on the way; the whole text is for the end.
constexpr int kQuickWindows = 24;

template <typename Work>
void onThreads(int count, const Work& work) {
  std::vector<std::thread> threads;
  for (int thread = 1; thread < count; ++thread) threads.emplace_back([&work, thread] { work(thread); });
  work(0);
  for (std::thread& thread : threads) thread.join();
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  for (int byte = 0; byte < 8; ++byte)
    hash = (hash ^ ((value >> (8 * byte)) & 0xFF)) * 0x100000001B3ull;  // FNV-1a
  return hash;
}

void checkLength(const TokenText& text, const char* what, int sequenceLength) {
  if (std::ssize(text.tokens) < sequenceLength + 1) {
    throw model::Error(fmt::format("The {} text has {} tokens, one sequence needs {}.", what,
                                   text.tokens.size(), sequenceLength + 1));
  }
}

}  // namespace

Trainer::Trainer(const model::ModelConfig& config, const TrainingOptions& options, TokenText training,
                 TokenText validation)
    : m_config(config),
      m_options(options),
      m_training(std::move(training)),
      m_validation(std::move(validation)),
      m_layout(config),
      m_parameters(initialParameters(m_layout, options.seed)),
      m_optimizer(m_layout, {}) {
  checkLength(m_training, "training", m_options.sequenceLength);
  checkLength(m_validation, "validation", m_options.sequenceLength);
  if (m_options.threadCount == 0)
    m_options.threadCount = static_cast<int>(std::thread::hardware_concurrency());
  m_options.threadCount = std::clamp(m_options.threadCount, 1, m_options.sequencesPerStep);
  for (int thread = 0; thread < m_options.threadCount; ++thread) {
    m_gradients.emplace_back(m_layout.size());
    m_passes.emplace_back(m_config, m_layout, m_options.sequenceLength);
  }
}

/// Sequence `number` of the endless data order: each epoch cuts the text at a new offset and shuffles the
/// pieces.
std::span<const int> Trainer::sequence(std::int64_t number) const {
  const std::int64_t length = m_options.sequenceLength;
  const std::int64_t tokenCount = std::ssize(m_training.tokens) - 1;
  const std::int64_t pieces = std::max<std::int64_t>(1, tokenCount / length - 1);
  const std::int64_t epoch = number / pieces;
  std::mt19937_64 random(m_options.seed * 1000003ull + static_cast<std::uint64_t>(epoch));
  const std::int64_t slack = tokenCount - pieces * length;
  const std::int64_t offset = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(slack + 1));
  // A permutation of [0, pieces) without storing it: multiply by a factor that shares no divisor, then add.
  std::uint64_t factor = random() % static_cast<std::uint64_t>(pieces) | 1u;
  while (std::gcd(factor, static_cast<std::uint64_t>(pieces)) != 1) ++factor;
  const std::uint64_t shift = random() % static_cast<std::uint64_t>(pieces);
  const std::uint64_t piece =
      (static_cast<std::uint64_t>(number % pieces) * factor + shift) % static_cast<std::uint64_t>(pieces);
  const auto begin = static_cast<std::size_t>(offset + static_cast<std::int64_t>(piece) * length);
  return std::span(m_training.tokens).subspan(begin, static_cast<std::size_t>(length) + 1);
}

/// Leaves the mean gradient of one step in m_gradients[0]; returns the mean loss per token.
double Trainer::accumulate(std::int64_t step) {
  const int threadCount = m_options.threadCount;
  const int sequences = m_options.sequencesPerStep;
  const float scale = 1.0f / static_cast<float>(sequences * m_options.sequenceLength);
  std::vector<double> losses(static_cast<std::size_t>(threadCount));
  onThreads(threadCount, [&](int thread) {
    std::ranges::fill(m_gradients[thread], 0.0f);
    for (int index = thread; index < sequences; index += threadCount) {
      losses[thread] += m_passes[thread].lossAndGradient(m_parameters, sequence(step * sequences + index),
                                                         scale, m_gradients[thread]);
    }
  });
  const auto size = static_cast<Eigen::Index>(m_layout.size());
  Eigen::Map<Eigen::ArrayXf> sum(m_gradients[0].data(), size);
  for (int thread = 1; thread < threadCount; ++thread) {
    sum += Eigen::Map<const Eigen::ArrayXf>(m_gradients[thread].data(), size);
  }
  return std::accumulate(losses.begin(), losses.end(), 0.0) * scale;
}

bool Trainer::run(const std::filesystem::path& checkpoint,
                  const std::function<void(const TrainingProgress&)>& report,
                  const std::atomic<bool>& cancel) {
  const auto start = model::Clock::now();
  const std::int64_t firstStep = m_step;
  while (m_step < m_options.stepCount) {
    const double loss = accumulate(m_step);
    Eigen::Map<Eigen::ArrayXf> gradient(m_gradients[0].data(), static_cast<Eigen::Index>(m_layout.size()));
    const double norm = std::sqrt(gradient.cast<double>().square().sum());
    if (!std::isfinite(norm)) {
      throw model::Error(
          fmt::format("The gradient stopped being finite at step {} (loss {:.3f}): lower the learning "
                      "rate, {} now.",
                      m_step, loss, m_options.peakLearningRate));
    }
    if (norm > m_options.clipNorm) gradient *= static_cast<float>(m_options.clipNorm / norm);
    const float rate =
        learningRateAt(m_step, m_options.warmupSteps, m_options.stepCount, m_options.peakLearningRate);
    ++m_step;
    m_optimizer.update(m_parameters, m_gradients[0], rate, m_step);

    m_lossSincePoint += loss;
    ++m_stepsSincePoint;
    const bool finished = m_step == m_options.stepCount;
    bool madePoint = false;
    if (m_step % 20 == 0 || m_step % m_options.evaluateEvery == 0 || finished) {
      const bool evaluates = m_step % m_options.evaluateEvery == 0 || finished;
      m_points.push_back({.step = m_step,
                          .trainingLoss = m_lossSincePoint / static_cast<double>(m_stepsSincePoint),
                          .validationBitsPerByte = evaluates ? validationBitsPerByte(kQuickWindows) : 0.0,
                          .gradientNorm = norm,
                          .learningRate = rate});
      m_lossSincePoint = 0.0;
      m_stepsSincePoint = 0;
      madePoint = true;
    }
    const bool cancelled = cancel.load();
    if (m_step % m_options.checkpointEvery == 0 || finished || cancelled) saveCheckpoint(checkpoint);

    const double seconds = model::secondsSince(start);
    const double secondsPerStep = seconds / static_cast<double>(m_step - firstStep);
    report({.step = m_step,
            .stepCount = m_options.stepCount,
            .trainingLoss = loss,
            .secondsLeft = secondsPerStep * static_cast<double>(m_options.stepCount - m_step),
            .tokensPerSecond = m_options.sequencesPerStep * m_options.sequenceLength / secondsPerStep,
            .point = madePoint ? &m_points.back() : nullptr});
    if (cancelled && !finished) return false;
  }
  return true;
}

double Trainer::validationBitsPerByte(int windowLimit) {
  const int length = m_options.sequenceLength;
  const int half = length / 2;
  const std::int64_t tokenCount = std::ssize(m_validation.tokens);
  std::int64_t windowCount = (tokenCount - 1 - length) / half + 1;
  std::int64_t stride = 1;
  if (windowLimit > 0 && windowCount > windowLimit) stride = windowCount / windowLimit;
  std::vector<std::int64_t> windows;
  for (std::int64_t window = 0; window < windowCount; window += stride) windows.push_back(window);

  std::vector<double> nats(static_cast<std::size_t>(m_options.threadCount));
  std::vector<std::int64_t> scored(nats.size());
  onThreads(m_options.threadCount, [&](int thread) {
    for (std::size_t index = thread; index < windows.size(); index += m_options.threadCount) {
      const std::int64_t window = windows[index];
      const int firstScored = window == 0 ? 0 : half;
      const auto tokens =
          std::span<const int>(m_validation.tokens)
              .subspan(static_cast<std::size_t>(window * half), static_cast<std::size_t>(length) + 1);
      nats[thread] += m_passes[thread].loss(m_parameters, tokens, firstScored);
      scored[thread] += length - firstScored;
    }
  });
  const double total = std::accumulate(nats.begin(), nats.end(), 0.0);
  const double count = static_cast<double>(std::accumulate(scored.begin(), scored.end(), std::int64_t{0}));
  const double bytesPerToken = static_cast<double>(m_validation.byteCount) / static_cast<double>(tokenCount);
  return total / count / std::numbers::ln2 / bytesPerToken;
}

std::uint64_t Trainer::fingerprint() const {
  std::uint64_t hash = 0xCBF29CE484222325ull;
  for (std::int64_t value :
       {static_cast<std::int64_t>(m_config.layerCount), static_cast<std::int64_t>(m_config.modelDim),
        static_cast<std::int64_t>(m_config.ffnDim), static_cast<std::int64_t>(m_config.vocabSize),
        static_cast<std::int64_t>(m_config.attention.queryHeadCount),
        static_cast<std::int64_t>(m_config.attention.kvHeadCount),
        static_cast<std::int64_t>(m_config.attention.headDim), m_options.stepCount, m_options.warmupSteps,
        static_cast<std::int64_t>(m_options.sequencesPerStep),
        static_cast<std::int64_t>(m_options.sequenceLength), static_cast<std::int64_t>(m_options.seed),
        static_cast<std::int64_t>(m_options.peakLearningRate * 1e9), std::ssize(m_training.tokens)}) {
    hash = mix(hash, static_cast<std::uint64_t>(value));
  }
  for (std::size_t i = 0; i < m_training.tokens.size(); i += 101) {
    hash = mix(hash, static_cast<std::uint64_t>(m_training.tokens[i]));
  }
  return hash;
}

bool Trainer::resume(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return false;
  Checkpoint checkpoint = readCheckpoint(path, m_layout.size());
  if (checkpoint.fingerprint != fingerprint()) {
    throw model::Error(
        fmt::format("The checkpoint {} was made with another shape, option or text; delete it to start "
                    "anew.",
                    path.string()));
  }
  m_parameters = std::move(checkpoint.parameters);
  m_optimizer.firstMoment() = std::move(checkpoint.firstMoment);
  m_optimizer.secondMoment() = std::move(checkpoint.secondMoment);
  m_points = std::move(checkpoint.points);
  m_step = checkpoint.step;
  m_lossSincePoint = checkpoint.lossSincePoint;
  m_stepsSincePoint = checkpoint.stepsSincePoint;
  return true;
}

void Trainer::saveCheckpoint(const std::filesystem::path& path) {
  writeCheckpoint(path, {.fingerprint = fingerprint(),
                         .step = m_step,
                         .lossSincePoint = m_lossSincePoint,
                         .stepsSincePoint = m_stepsSincePoint,
                         .parameters = m_parameters,
                         .firstMoment = m_optimizer.firstMoment(),
                         .secondMoment = m_optimizer.secondMoment(),
                         .points = m_points});
}

}  // namespace headroom::training
