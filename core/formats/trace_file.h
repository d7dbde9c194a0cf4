#pragma once

#include <span>
#include <string>

#include "core/formats/atomic_file.h"
#include "core/model/config.h"
#include "core/model/step_record.h"

namespace headroom::formats {

/// Writes what lanes did as JSON lines, so that any tool can read it: a first line {"format":
/// "headroom-trace", "version": 1}, one line per lane with its configuration, then one line per record with
/// time, traffic by class, cache bytes, candidates and, where captured, attention rows. Appears under its
/// name when commit() is done.
class TraceFile {
 public:
  /// Throws model::Error when the file cannot be written, as do the others.
  explicit TraceFile(const std::string& path);

  void addLane(int lane, const model::ModelConfig& config, const std::string& deviceName);
  void addRecords(int lane, std::span<const model::StepRecord> records);
  void commit() { m_file.commit(); }

 private:
  AtomicFile m_file;
};

}  // namespace headroom::formats
