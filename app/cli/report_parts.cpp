#include "app/cli/report_parts.h"

#include <fmt/format.h>

#include <array>

#include "core/analysis/traffic_summary.h"

namespace headroom::cli {

using nlohmann::ordered_json;

ordered_json attentionDocument(const model::AttentionShape& shape) {
  return {{"kind", shortName(shape.kind())},
          {"query_heads", shape.queryHeadCount},
          {"kv_heads", shape.kvHeadCount},
          {"head_dim", shape.headDim}};
}

ordered_json ablatedDocument(std::span<const model::HeadChange> changes) {
  ordered_json names = ordered_json::array();
  for (const model::HeadChange& change : changes) names.push_back(model::nameOf(change));
  return names;
}

std::vector<std::pair<std::string_view, std::uint64_t>> namedClasses(const model::Traffic& traffic) {
  constexpr std::array<std::string_view, analysis::kTrafficClassCount> kNames{
      "weights_read", "kv_read", "kv_written", "activations_read", "activations_written", "capture_written"};
  const auto bytes = analysis::byClass(traffic);
  std::vector<std::pair<std::string_view, std::uint64_t>> named;
  for (std::size_t index = 0; index < bytes.size(); ++index) named.emplace_back(kNames[index], bytes[index]);
  return named;
}

ordered_json trafficDocument(const model::Traffic& traffic) {
  ordered_json document;
  for (const auto& [name, bytes] : namedClasses(traffic)) document[std::string(name)] = bytes;
  return document;
}

ordered_json curveDocument(std::span<const model::MemoryPoint> curve) {
  ordered_json document = ordered_json::array();
  for (const model::MemoryPoint& point : curve) {
    document.push_back(
        {{"working_set_bytes", point.workingSetBytes}, {"gb_per_s", point.gigabytesPerSecond}});
  }
  return document;
}

ordered_json ceilingsDocument(const model::DeviceCeilings& ceilings) {
  return {{"copy", curveDocument(ceilings.copy)},
          {"read", curveDocument(ceilings.read)},
          {"cold_read", curveDocument(ceilings.coldRead)},
          {"fma_gflops", ceilings.fmaGflops},
          {"empty_dispatch_us", ceilings.emptyDispatchUs}};
}

ordered_json knownRate(double rate) {
  return rate > 0.0 ? ordered_json(rate) : ordered_json();
}

}  // namespace headroom::cli
