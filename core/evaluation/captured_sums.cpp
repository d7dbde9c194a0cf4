#include "core/evaluation/captured_sums.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <span>

#include "core/analysis/head_outputs.h"
#include "core/analysis/linear_cka.h"

namespace headroom::evaluation {

namespace {

using model::CapturePoint;

/// Rows behind position 0.
std::span<const float> behindFirst(const model::Activations& activations) {
  const std::span<const float> rows = activations.values;
  return activations.firstPosition == 0 && !rows.empty()
             ? rows.subspan(static_cast<std::size_t>(activations.columns))
             : rows;
}

double squaresOf(std::span<const float> values) {
  return std::transform_reduce(values.begin(), values.end(), 0.0, std::plus<>(), [](float value) {
    return static_cast<double>(value) * static_cast<double>(value);
  });
}

void leaveOut(analysis::HeadSurvey& survey, std::initializer_list<const char*> names,
              const std::string& reason) {
  for (const char* name : names) survey.omissions.push_back({name, reason});
}

}  // namespace

CapturedSums::CapturedSums(const model::ModelConfig& config, const model::Model* model)
    : m_config(config), m_model(model) {
  const analysis::SecondMoments cached(config.attention.kvDim());
  const analysis::SecondMoments outputs(config.attention.queryDim());
  m_layers.assign(static_cast<std::size_t>(config.layerCount), {cached, cached, outputs});
}

bool CapturedSums::readsCache() const {
  return analysis::hasSubspaces(m_config.attention);
}

bool CapturedSums::readsOutputs() const {
  return m_model && analysis::hasOutputs(m_config.attention);
}

std::vector<model::ActivationRequest> CapturedSums::requests() const {
  std::vector<int> layers(m_layers.size());
  std::iota(layers.begin(), layers.end(), 0);
  std::vector<model::ActivationRequest> requests;
  if (readsCache()) {
    requests.push_back({CapturePoint::Keys, layers});
    requests.push_back({CapturePoint::Values, layers});
  }
  if (readsOutputs()) {
    requests.push_back({CapturePoint::HeadOutputs, layers});
    requests.push_back({CapturePoint::Residual, layers});
  }
  return requests;
}

void CapturedSums::add(const model::StepRecord& record) {
  for (const model::Activations& activations : record.activations) {
    Layer& layer = m_layers[static_cast<std::size_t>(activations.layer)];
    if (activations.point == CapturePoint::Keys) layer.keys.add(activations.values);
    if (activations.point == CapturePoint::Values) layer.values.add(activations.values);
    if (activations.point == CapturePoint::HeadOutputs) layer.outputs.add(behindFirst(activations));
    if (activations.point == CapturePoint::Residual)
      layer.streamSquares += squaresOf(behindFirst(activations));
  }
}

void CapturedSums::conclude(analysis::HeadSurvey& survey) const {
  concludeCache(survey);
  concludeOutputs(survey);
}

void CapturedSums::concludeCache(analysis::HeadSurvey& survey) const {
  const model::AttentionShape& heads = m_config.attention;
  survey.keyCka.headCount = survey.valueCka.headCount = heads.kvHeadCount;
  if (!readsCache()) {
    leaveOut(survey, {"key_cka", "value_cka"},
             fmt::format("Keys of up to {} columns are compared, those of this model have {}",
                         analysis::kMostSubspaceColumns, heads.kvDim()));
    return;
  }
  for (const Layer& layer : m_layers)
    survey.cached.push_back({analysis::subspaceOf(layer.keys), analysis::subspaceOf(layer.values)});
  if (heads.kvHeadCount == 1) {
    leaveOut(survey, {"key_cka", "value_cka"}, "A layer has one KV head: there are no two to compare");
    return;
  }
  if (m_layers.front().keys.count() < 2) {
    leaveOut(survey, {"key_cka", "value_cka"},
             "Fewer than two positions were read, over which keys and values could vary");
    return;
  }
  survey.keyCka.rowCount = survey.valueCka.rowCount = m_layers.front().keys.count();
  for (const Layer& layer : m_layers) {
    survey.keyCka.layers.push_back(analysis::linearCka(layer.keys, heads.kvHeadCount));
    survey.valueCka.layers.push_back(analysis::linearCka(layer.values, heads.kvHeadCount));
  }
}

void CapturedSums::concludeOutputs(analysis::HeadSurvey& survey) const {
  const model::AttentionShape& heads = m_config.attention;
  survey.outputCosines.headCount = heads.queryHeadCount;
  if (!readsOutputs()) {
    leaveOut(survey, {"write_share", "write_size", "output_cosine"},
             m_model
                 ? fmt::format("Head outputs of up to {} columns a layer are compared, those of this model "
                               "have {}",
                               analysis::kMostSubspaceColumns, heads.queryDim())
                 : "The weights of the model are not at hand");
    return;
  }
  survey.outputCosines.rowCount = m_layers.front().outputs.count();
  if (survey.outputCosines.rowCount == 0) {
    leaveOut(survey, {"write_share", "write_size", "output_cosine"},
             "No position behind the first one of a text was read");
    return;
  }
  const bool isNormed = m_config.traits.branchNorms;
  if (isNormed) {
    leaveOut(survey, {"write_share", "write_size"},
             "A norm stands between what heads give and the residual stream, so that no part of what it lets "
             "through is a single head's");
  }
  for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
    const analysis::LayerOutputs outputs =
        analysis::outputsOf(m_layers[layer].outputs, m_model->weights.layers[layer].attentionOutput, heads);
    survey.outputCosines.layers.push_back(outputs.cosines);
    if (isNormed) continue;
    const double stream =
        std::sqrt(m_layers[layer].streamSquares / static_cast<double>(survey.outputCosines.rowCount));
    for (analysis::HeadSurvey::Head& head : survey.heads) {
      if (head.layer != static_cast<int>(layer)) continue;
      head.writeShare = outputs.shares[static_cast<std::size_t>(head.queryHead)];
      if (stream > 0.0) head.writeSize = outputs.sizes[static_cast<std::size_t>(head.queryHead)] / stream;
    }
  }
}

}  // namespace headroom::evaluation
