#include "core/reference/activation_patching.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace headroom::reference {

ActivationPatching::ActivationPatching(const model::Model& model, int contextLength,
                                       std::span<const int> clean, std::span<const int> corrupt)
    : m_pass(model, contextLength, false),
      m_layerCount(model.config.layerCount),
      m_headDim(model.config.attention.headDim),
      m_clean(runOf(clean)),
      m_corrupt(runOf(corrupt)) {
  assert(clean.size() == corrupt.size());
}

SequenceCache ActivationPatching::emptyCache() const {
  SequenceCache cache;
  cache.layers.resize(static_cast<std::size_t>(m_layerCount));
  return cache;
}

ActivationPatching::Run ActivationPatching::runOf(std::span<const int> tokens) const {
  model::StepRecord record;
  SequenceCache cache = emptyCache();
  Run run;
  run.streams.push_back(m_pass.embed(tokens, 0, record));
  for (int layer = 0; layer < m_layerCount; ++layer) {
    Matrix x = run.streams.back();
    run.headOutputs.push_back(m_pass.headOutputs(x, layer, cache, record));
    m_pass.finishLayer(run.headOutputs.back(), layer, 0, x, record);
    run.streams.push_back(std::move(x));
  }
  return run;
}

std::vector<double> ActivationPatching::withHead(int layer, int queryHead) const {
  const auto index = static_cast<std::size_t>(layer);
  Matrix outputs = m_corrupt.headOutputs[index];
  const auto first = static_cast<std::size_t>(queryHead * m_headDim);
  for (std::int64_t token = 0; token < outputs.rows; ++token) {
    const auto clean =
        m_clean.headOutputs[index].row(token).subspan(first, static_cast<std::size_t>(m_headDim));
    std::ranges::copy(clean, outputs.row(token).subspan(first).begin());
  }
  Matrix x = m_corrupt.streams[index];
  model::StepRecord record;
  m_pass.finishLayer(outputs, layer, 0, x, record);
  return logitsFrom(layer + 1, std::move(x));
}

std::vector<double> ActivationPatching::withResidual(int layer, int position) const {
  const auto index = static_cast<std::size_t>(layer);
  Matrix x = m_corrupt.streams[index];
  std::ranges::copy(m_clean.streams[index].row(position), x.row(position).begin());
  return logitsFrom(layer, std::move(x));
}

std::vector<double> ActivationPatching::logitsFrom(int layer, Matrix x) const {
  model::StepRecord record;
  SequenceCache cache = emptyCache();
  for (; layer < m_layerCount; ++layer)
    m_pass.finishLayer(m_pass.headOutputs(x, layer, cache, record), layer, 0, x, record);
  return logitsAfter(x);
}

std::vector<double> ActivationPatching::logitsAfter(const Matrix& lastStream) const {
  Matrix last(1, lastStream.columns);
  std::ranges::copy(lastStream.row(lastStream.rows - 1), last.values.begin());
  const int position = static_cast<int>(lastStream.rows) - 1;
  model::StepRecord record;
  return m_pass.logits(last, std::span(&position, 1), record).values;
}

}  // namespace headroom::reference
