#include "core/model/model.h"

namespace headroom::model {

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

std::vector<const Tensor*> Weights::stored() const {
  std::vector<const Tensor*> all{&tokenEmbedding, &positionEmbedding, &outputNorm, &outputNormBias,
                                 &outputBias};
  if (!tied()) all.push_back(&output);
  for (const LayerWeights& layer : layers) {
    for (const Tensor* tensor : layer.tensors()) {
      const bool shared = layer.sharesNorm() && (tensor == &layer.ffnNorm || tensor == &layer.ffnNormBias);
      if (!shared) all.push_back(tensor);
    }
  }
  std::erase_if(all, [](const Tensor* tensor) { return tensor->empty(); });
  return all;
}

std::uint64_t Weights::parameterCount() const {
  std::uint64_t count = 0;
  for (const Tensor* tensor : stored()) count += static_cast<std::uint64_t>(tensor->elementCount());
  return count;
}

std::uint64_t Weights::storedBytes() const {
  std::uint64_t bytes = 0;
  for (const Tensor* tensor : stored()) bytes += tensor->bytes.size();
  return bytes;
}

}  // namespace headroom::model
