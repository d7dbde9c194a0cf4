#include "core/model/step_record.h"

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
