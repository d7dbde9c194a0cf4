#include "core/model/model.h"

namespace headroom::model {

namespace {
template <typename Visit>
void forEachTensor(const Weights& weights, Visit visit) {
  visit(weights.tokenEmbedding);
  visit(weights.outputNorm);
  if (!weights.tied()) visit(weights.output);
  for (const LayerWeights& layer : weights.layers) {
    for (const Tensor* tensor :
         {&layer.attentionNorm, &layer.query, &layer.key, &layer.value, &layer.attentionOutput,
          &layer.ffnNorm, &layer.ffnGate, &layer.ffnUp, &layer.ffnDown}) {
      visit(*tensor);
    }
  }
}
}  // namespace

std::uint64_t Weights::parameterCount() const {
  std::uint64_t count = 0;
  forEachTensor(*this,
                [&](const Tensor& tensor) { count += static_cast<std::uint64_t>(tensor.elementCount()); });
  return count;
}

std::uint64_t Weights::storedBytes() const {
  std::uint64_t bytes = 0;
  forEachTensor(*this, [&](const Tensor& tensor) { bytes += tensor.bytes.size(); });
  return bytes;
}

}  // namespace headroom::model
