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

double StepRecord::gpuTimeMs() const {
  double sum = 0.0;
  for (const StageRecord& stage : stages) sum += stage.gpuTimeMs;
  return sum;
}

}  // namespace headroom::model
