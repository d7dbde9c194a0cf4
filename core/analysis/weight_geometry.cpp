#include "core/analysis/weight_geometry.h"

namespace headroom::analysis {

std::int64_t WeightGeometry::attentionParameters() const {
  std::int64_t sum = 0;
  for (std::size_t index = 0; index < 4; ++index) sum += layer[index].parametersOfAll();
  return sum;
}

std::int64_t WeightGeometry::total() const {
  std::int64_t sum = normParameters;
  for (const WeightMatrix& matrix : layer) sum += matrix.parametersOfAll();
  for (const WeightMatrix& matrix : outside) sum += matrix.parametersOfAll();
  return sum;
}

WeightGeometry weightGeometry(const model::ModelConfig& config, OutputProjection output) {
  const std::int64_t d = config.modelDim;
  const std::int64_t queries = config.attention.queryDim();
  const std::int64_t keys = config.attention.kvDim();
  const int layers = config.layerCount;
  WeightGeometry geometry;
  geometry.layer = {{"W_Q", queries, d, layers},        {"W_K", keys, d, layers},
                    {"W_V", keys, d, layers},           {"W_O", d, queries, layers},
                    {"gate", config.ffnDim, d, layers}, {"up", config.ffnDim, d, layers},
                    {"down", d, config.ffnDim, layers}};
  geometry.outside = {{"embedding", config.vocabSize, d, 1}};
  if (output == OutputProjection::Own) geometry.outside.push_back({"output", config.vocabSize, d, 1});
  geometry.normParameters = (2 * static_cast<std::int64_t>(layers) + 1) * d;
  return geometry;
}

}  // namespace headroom::analysis
