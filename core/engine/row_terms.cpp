#include "core/engine/row_terms.h"

namespace headroom::engine {

LayerNormVectors::LayerNormVectors(const model::Tensor& gains, const model::Tensor& biases)
    : gain(gains.toFloat()), bias(biases.toFloat()) {
  bias.resize(gain.size());
}

RowTerms::RowTerms(vulkan::Device& device, std::int64_t rows, const LayerNormVectors& norm,
                   const std::string& what, const std::function<RowReference(std::int64_t)>& rowAt,
                   const std::function<float(std::int64_t)>& biasAt)
    : m_rows(rows),
      m_buffer(device, bytesOf(static_cast<std::uint64_t>(rows)), vulkan::MemoryPlace::Device,
               what + "'s row terms"),
      m_view(device, m_buffer, VK_FORMAT_R32G32_SFLOAT, 0, m_buffer.bytes()) {
  std::vector<RowTerm> terms(static_cast<std::size_t>(rows));
  std::vector<float> weights(norm.gain.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    RowTerm& term = terms[static_cast<std::size_t>(row)];
    term.constant = biasAt(row);
    const RowReference source = rowAt(row);
    if (norm.empty() || source.tensor == nullptr) continue;
    source.tensor->readRow(source.row, weights);
    double gainSum = 0.0;
    double biasSum = 0.0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      gainSum += static_cast<double>(weights[i]) * static_cast<double>(norm.gain[i]);
      biasSum += static_cast<double>(weights[i]) * static_cast<double>(norm.bias[i]);
    }
    term.meanFactor = static_cast<float>(gainSum);
    term.constant = static_cast<float>(biasSum + static_cast<double>(term.constant));
  }
  vulkan::upload(device, m_buffer, 0, std::as_bytes(std::span(terms)));
}

}  // namespace headroom::engine
