#include "core/formats/trace_file.h"

#include <nlohmann/json.hpp>

namespace headroom::formats {

namespace {
using nlohmann::ordered_json;

ordered_json describe(const model::Traffic& traffic) {
  return {{"weights_read", traffic.weightsRead},
          {"kv_read", traffic.kvRead},
          {"kv_written", traffic.kvWritten},
          {"activations_read", traffic.activationsRead},
          {"activations_written", traffic.activationsWritten},
          {"capture_written", traffic.captureWritten}};
}

ordered_json describe(const model::StageRecord& stage) {
  return {{"name", stageName(stage.stage)},
          {"layer", stage.layer},
          {"ms", stage.gpuTimeMs},
          {"issued", describe(stage.issued)},
          {"logical", describe(stage.logical)}};
}

/// Rows as [layer][query head][row][position], each row as long as what its token sees.
ordered_json describe(const model::AttentionRows& attention) {
  ordered_json layers = ordered_json::array();
  for (int layer = 0; layer < static_cast<int>(attention.layers.size()); ++layer) {
    ordered_json heads = ordered_json::array();
    for (int head = 0; head < attention.queryHeadCount(); ++head) {
      ordered_json rows = ordered_json::array();
      for (int row = 0; row < attention.rowCount; ++row) rows.push_back(attention.row(layer, head, row));
      heads.push_back(std::move(rows));
    }
    layers.push_back(std::move(heads));
  }
  return {{"layers", attention.layers}, {"query_heads", attention.queryHeads}, {"rows", std::move(layers)}};
}

ordered_json describe(int lane, const model::StepRecord& record) {
  ordered_json stages = ordered_json::array();
  for (const model::StageRecord& stage : record.stages) stages.push_back(describe(stage));
  ordered_json candidates = ordered_json::array();
  for (const model::Candidate& candidate : record.candidates) {
    candidates.push_back({{"token", candidate.token}, {"probability", candidate.probability}});
  }
  ordered_json line = {
      {"lane", lane},
      {"position", record.position},
      {"tokens", record.tokens},
      {"ms", record.wallTimeMs},
      {"stages", std::move(stages)},
      {"kv_cache", {{"bytes_used", record.cacheBytesUsed}, {"bytes_allocated", record.cacheBytesAllocated}}},
      {"candidates", std::move(candidates)},
      {"entropy", record.nextTokenEntropy},
  };
  if (!record.attention.layers.empty()) line["attention"] = describe(record.attention);
  return line;
}
}  // namespace

TraceFile::TraceFile(const std::string& path) : m_file(path) {
  m_file.write(ordered_json({{"format", "headroom-trace"}, {"version", 1}}).dump() + "\n");
}

void TraceFile::addLane(int lane, const model::ModelConfig& config, const std::string& deviceName) {
  const ordered_json line = {
      {"lane", lane},
      {"name", config.name},
      {"device", deviceName},
      {"layers", config.layerCount},
      {"attention",
       {{"kind", shortName(config.attention.kind())},
        {"query_heads", config.attention.queryHeadCount},
        {"kv_heads", config.attention.kvHeadCount},
        {"head_dim", config.attention.headDim}}},
  };
  m_file.write(line.dump() + "\n");
}

void TraceFile::addRecords(int lane, std::span<const model::StepRecord> records) {
  for (const model::StepRecord& record : records) m_file.write(describe(lane, record).dump() + "\n");
}

}  // namespace headroom::formats
