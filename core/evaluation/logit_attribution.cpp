#include "core/evaluation/logit_attribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/evaluation/empty_afterwards.h"
#include "core/model/error.h"
#include "core/model/token_range.h"
#include "core/reference/output_head.h"

namespace headroom::evaluation {

namespace {

using reference::FrozenLogit;
using reference::Matrix;

/// What attention of one layer adds to a logit.
struct AttentionPart {
  std::vector<double> heads;
  double bias = 0.0;

  double sum() const { return std::accumulate(heads.begin(), heads.end(), bias); }
};

/// Residual streams and head outputs of the token at `position`.
model::StepRecord valuesAt(model::Decoder& decoder, std::span<const int> tokens, int position) {
  decoder.truncate(0);
  while (decoder.position() < position) {
    const int count = std::min(decoder.blockTokens(), position - decoder.position());
    const auto block =
        tokens.subspan(static_cast<std::size_t>(decoder.position()), static_cast<std::size_t>(count));
    decoder.runRows(decoder.rowsOf(block), {.logits = model::LogitsRequest::none(), .timesStages = false});
  }
  const int layerCount = decoder.config().layerCount;
  std::vector<int> layers(static_cast<std::size_t>(layerCount) + 1);
  std::iota(layers.begin(), layers.end(), 0);
  const std::vector<int> withAttention(layers.begin(), layers.end() - 1);
  const model::StepRequest request{
      .capture = {.activations = {{model::CapturePoint::Residual, layers},
                                  {model::CapturePoint::HeadOutputs, withAttention}}},
      .logits = model::LogitsRequest::last(),  // which are looked at, whether they are finite
      .timesStages = false};
  const auto last = tokens.subspan(static_cast<std::size_t>(position), 1);
  return std::move(decoder.runRows(decoder.rowsOf(last), request).front());
}

Matrix rowOf(const model::StepRecord& record, model::CapturePoint point, int layer) {
  const model::Activations* values = record.find(point, layer);
  if (!values || values->rowCount != 1) {
    throw model::Error(fmt::format("The decoder handed back {} rows of values of layer {}, expected 1",
                                   values ? values->rowCount : 0, layer));
  }
  Matrix row(1, values->columns);
  std::ranges::copy(values->row(0), row.values.begin());
  return row;
}

/// What a norm behind attention does to each element of the branch that it normalises, [modelDim].
std::vector<double> scalesOf(const Matrix& branch, const Matrix& gain, double epsilon) {
  double squares = 0.0;
  for (const double value : branch.values) squares += value * value;
  const double scale = 1.0 / std::sqrt(squares / static_cast<double>(branch.columns) + epsilon);
  std::vector<double> scales = gain.values;
  for (double& value : scales) value *= scale;
  return scales;
}

AttentionPart attentionPart(const model::LayerWeights& weights, const Matrix& outputs,
                            const model::ModelConfig& config, FrozenLogit logit) {
  const reference::Projection projection{reference::toMatrix(weights.attentionOutput),
                                         reference::toMatrix(weights.attentionOutputBias)};
  const Matrix postNorm = reference::toMatrix(weights.attentionPostNorm);
  if (postNorm.size() > 0) {
    const std::vector<double> scales =
        scalesOf(reference::project(outputs, projection), postNorm, static_cast<double>(config.normEpsilon));
    std::ranges::transform(logit.direction.values, scales, logit.direction.values.begin(),
                           std::multiplies<>());
  }
  // [queryHead][headDim]: what each element that goes into W_O adds to the logit.
  std::vector<double> elements(outputs.values.size());
  for (std::int64_t row = 0; row < projection.weights.rows; ++row) {
    const double weight = logit.direction.values[static_cast<std::size_t>(row)];
    const std::span<const double> columns = projection.weights.row(row);
    for (std::size_t i = 0; i < elements.size(); ++i) elements[i] += weight * columns[i] * outputs.values[i];
  }
  AttentionPart part;
  const auto headDim = static_cast<std::ptrdiff_t>(config.attention.headDim);
  for (auto head = elements.begin(); head != elements.end(); head += headDim)
    part.heads.push_back(std::accumulate(head, head + headDim, 0.0));
  if (projection.bias.size() > 0) part.bias = logit.of(projection.bias.values);
  return part;
}

}  // namespace

double LogitAttribution::sum() const {
  double all = embedding + outputBias;
  for (const std::vector<double>* parts : {&heads, &attentionBias, &mlp})
    all = std::accumulate(parts->begin(), parts->end(), all);
  return all;
}

LogitAttribution attributeLogit(model::Decoder& decoder, const model::Model& model,
                                std::span<const int> tokens, int position, const LogitQuestion& question) {
  model::checkText(decoder, tokens);
  if (position < 0 || position >= std::ssize(tokens)) {
    throw model::Error(
        fmt::format("Position {} was asked for, the text has 0 to {}", position, tokens.size() - 1));
  }
  model::checkToken(question.token, model.config.vocabSize);
  if (question.other) model::checkToken(*question.other, model.config.vocabSize);
  const EmptyAfterwards guard(decoder);
  const model::StepRecord record = valuesAt(decoder, tokens, position);
  const int layerCount = model.config.layerCount;
  Matrix stream = rowOf(record, model::CapturePoint::Residual, 0);
  const Matrix last = rowOf(record, model::CapturePoint::Residual, layerCount);
  const FrozenLogit logit =
      reference::OutputHead(model).frozenAt(last.row(0), question.token, question.other);
  LogitAttribution result{.embedding = logit.of(stream.row(0)),
                          .queryHeadCount = model.config.attention.queryHeadCount,
                          .outputBias = logit.bias,
                          .total = logit.of(last.row(0)) + logit.bias,
                          .softCap = model.config.logitSoftCap};
  for (int layer = 0; layer < layerCount; ++layer) {
    const AttentionPart attention =
        attentionPart(model.weights.layers[static_cast<std::size_t>(layer)],
                      rowOf(record, model::CapturePoint::HeadOutputs, layer), model.config, logit);
    Matrix next = rowOf(record, model::CapturePoint::Residual, layer + 1);
    // A parallel block adds both to the same stream, a norm behind the FFN acts on its part alone.
    result.mlp.push_back(logit.of(next.row(0)) - logit.of(stream.row(0)) - attention.sum());
    result.heads.insert(result.heads.end(), attention.heads.begin(), attention.heads.end());
    result.attentionBias.push_back(attention.bias);
    stream = std::move(next);
  }
  return result;
}

}  // namespace headroom::evaluation
