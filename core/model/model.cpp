#include "core/model/model.h"

namespace headroom::model {

namespace {
/// Each stored tensor once: tied or shared bytes are not visited again.
template <typename Visit>
void forEachTensor(const Weights& weights, Visit visit) {
  for (const Tensor* tensor : {&weights.tokenEmbedding, &weights.positionEmbedding, &weights.outputNorm,
                               &weights.outputNormBias, &weights.outputBias}) {
    visit(*tensor);
  }
  if (!weights.tied()) visit(weights.output);
  for (const LayerWeights& layer : weights.layers) {
    for (const Tensor* tensor : layer.tensors()) {
      const bool shared = (tensor == &layer.ffnNorm && layer.sharesNorm()) ||
                          (tensor == &layer.ffnNormBias && layer.sharesNorm());
      if (!shared) visit(*tensor);
    }
  }
}
}  // namespace

std::vector<const Tensor*> LayerWeights::tensors() const {
  return {&attentionNorm,
          &attentionNormBias,
          &query,
          &key,
          &value,
          &queryBias,
          &keyBias,
          &valueBias,
          &queryNorm,
          &keyNorm,
          &attentionOutput,
          &attentionOutputBias,
          &attentionPostNorm,
          &ffnNorm,
          &ffnNormBias,
          &ffnGate,
          &ffnUp,
          &ffnGateBias,
          &ffnUpBias,
          &ffnDown,
          &ffnDownBias,
          &ffnPostNorm};
}

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
