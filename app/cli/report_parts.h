#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/model/config.h"
#include "core/model/device_ceilings.h"
#include "core/model/head_change.h"
#include "core/model/step_record.h"

namespace headroom::cli {

// What the documents and tables of several commands have in common.

/// {"kind": "GQA", "query_heads": 8, "kv_heads": 2, "head_dim": 32}
nlohmann::ordered_json attentionDocument(const model::AttentionShape& shape);

/// ["L4H2", "L3H0=mean", ...]
nlohmann::ordered_json ablatedDocument(std::span<const model::HeadChange> changes);

/// Bytes by class under their names in JSON and CSV, in the order of analysis::byClass.
std::vector<std::pair<std::string_view, std::uint64_t>> namedClasses(const model::Traffic& traffic);
nlohmann::ordered_json trafficDocument(const model::Traffic& traffic);

/// [{"working_set_bytes": 262144, "gb_per_s": 41.5}, ...]
nlohmann::ordered_json curveDocument(std::span<const model::MemoryPoint> curve);

/// {"copy": [...], "read": [...], "cold_read": [...], "fma_gflops": 41.5, "empty_dispatch_us": 3.1}
nlohmann::ordered_json ceilingsDocument(const model::DeviceCeilings& ceilings);

/// A rate of rates.h, which is 0 where it is not known: then null, or a dash in place of `words` of it.
nlohmann::ordered_json knownRate(double rate);
inline constexpr const char* kUnknown = "\u2013";
template <typename Words>
std::string knownRateText(double rate, const Words& words) {
  return rate > 0.0 ? words(rate) : kUnknown;
}

}  // namespace headroom::cli
