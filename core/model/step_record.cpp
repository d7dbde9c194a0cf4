#include "core/model/step_record.h"

#include <algorithm>

namespace headroom::model {

Traffic& Traffic::operator+=(const Traffic& other) {
  weightsRead += other.weightsRead;
  kvRead += other.kvRead;
  kvWritten += other.kvWritten;
  activationsRead += other.activationsRead;
  activationsWritten += other.activationsWritten;
  captureWritten += other.captureWritten;
  return *this;
}

Traffic StepRecord::issued() const {
  Traffic sum;
  for (const StageRecord& stage : stages) sum += stage.issued;
  return sum;
}

Traffic StepRecord::logical() const {
  Traffic sum;
  for (const StageRecord& stage : stages) sum += stage.logical;
  return sum;
}

Overhead& Overhead::operator+=(const Overhead& other) {
  prepareMs += other.prepareMs;
  setupMs += other.setupMs;
  submitMs += other.submitMs;
  readBackMs += other.readBackMs;
  return *this;
}

int columnsAt(CapturePoint point, const ModelConfig& config) {
  switch (point) {
    case CapturePoint::Residual:
      return config.modelDim;
    case CapturePoint::Queries:
    case CapturePoint::HeadOutputs:
      return config.attention.queryDim();
    case CapturePoint::Keys:
    case CapturePoint::Values:
      return config.attention.kvDim();
    case CapturePoint::SoftmaxExtents:
      return 2 * config.attention.queryHeadCount;
  }
  return 0;
}

const Activations* StepRecord::find(CapturePoint point, int layer) const {
  const auto found = std::ranges::find_if(
      activations, [&](const Activations& values) { return values.point == point && values.layer == layer; });
  return found == activations.end() ? nullptr : &*found;
}

int poolingFor(int positions, int cells) {
  int pooling = 1;
  while (cells > 0 && (positions + pooling - 1) / pooling > cells) pooling *= 2;
  return pooling;
}

double StepRecord::gpuTimeMs() const {
  double sum = 0.0;
  for (const StageRecord& stage : stages) sum += stage.gpuTimeMs;
  return sum;
}

}  // namespace headroom::model
