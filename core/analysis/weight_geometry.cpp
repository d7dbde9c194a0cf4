#include "core/analysis/weight_geometry.h"

#include <algorithm>

#include "core/analysis/rates.h"
#include "core/model/quantity.h"
#include "core/text/phrases.h"

namespace headroom::analysis {

std::vector<WeightMatrix> WeightGeometry::matrices() const {
  std::vector<WeightMatrix> all = layer;
  all.insert(all.end(), outside.begin(), outside.end());
  return all;
}

std::int64_t WeightGeometry::attentionParameters() const {
  std::int64_t sum = 0;
  for (std::size_t index = 0; index < 4; ++index) sum += layer[index].parametersOfAll();
  return sum;
}

std::string WeightGeometry::attentionShareText() const {
  const auto attention = static_cast<double>(attentionParameters());
  const auto all = static_cast<double>(total());
  return text::inWords<model::SentenceId::AttentionShare>(model::countText(attention), model::countText(all),
                                                          model::fixedText(percentOf(attention, all), 1));
}

std::int64_t WeightGeometry::total() const {
  std::int64_t sum = vectorParameters;
  for (const WeightMatrix& matrix : layer) sum += matrix.parametersOfAll();
  for (const WeightMatrix& matrix : outside) sum += matrix.parametersOfAll();
  return sum;
}

WeightGeometry weightGeometry(const model::ModelConfig& config, OutputProjection output,
                              std::uint64_t parameterCount) {
  const std::int64_t d = config.modelDim;
  const std::int64_t queries = config.attention.queryDim();
  const std::int64_t keys = config.attention.kvDim();
  const int layers = config.layerCount;
  WeightGeometry geometry;
  geometry.layer = {{"W_Q", queries, d, layers},
                    {"W_K", keys, d, layers},
                    {"W_V", keys, d, layers},
                    {"W_O", d, queries, layers}};
  if (config.traits.feedForward == model::FeedForward::Gated) {
    geometry.layer.push_back({"gate", config.ffnDim, d, layers});
  }
  geometry.layer.push_back({"up", config.ffnDim, d, layers});
  geometry.layer.push_back({"down", d, config.ffnDim, layers});
  geometry.outside = {{"embedding", config.vocabSize, d, 1}};
  if (config.traits.positions == model::Positions::Learned) {
    geometry.outside.push_back({"positions", config.contextLength, d, 1});
  }
  if (output == OutputProjection::Own) geometry.outside.push_back({"output", config.vocabSize, d, 1});
  geometry.vectorParameters =
      std::max<std::int64_t>(0, static_cast<std::int64_t>(parameterCount) - geometry.total());
  return geometry;
}

}  // namespace headroom::analysis
