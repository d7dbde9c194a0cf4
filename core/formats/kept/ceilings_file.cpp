#include "core/formats/kept/ceilings_file.h"

#include <cmath>

namespace headroom::formats {

namespace {
using nlohmann::json;
using nlohmann::ordered_json;

/// 1 knew copy commands only, which on a GPU may be a fifth of what kernels copy.
constexpr int kVersion = 2;

bool isPositive(double value) {
  return std::isfinite(value) && value > 0.0;
}

/// Throws nlohmann's exceptions for what is missing or of another type.
std::optional<model::DeviceCeilings> parse(const json& document) {
  if (document.at("format") != "headroom-ceilings" || document.at("version") != kVersion) return {};
  model::DeviceCeilings ceilings{.device = document.at("device"),
                                 .driver = document.at("driver"),
                                 .date = document.at("date"),
                                 .copy = {},
                                 .fmaGflops = document.at("fma_gflops"),
                                 .emptyDispatchUs = document.at("empty_dispatch_us")};
  std::uint64_t before = 0;
  for (const json& entry : document.at("copy")) {
    const model::CopyPoint point{.workingSetBytes = entry.at("working_set_bytes"),
                                 .gigabytesPerSecond = entry.at("gb_per_s")};
    if (point.workingSetBytes <= before || !isPositive(point.gigabytesPerSecond)) return {};
    before = point.workingSetBytes;
    ceilings.copy.push_back(point);
  }
  const bool whole = ceilings.known() && isPositive(ceilings.fmaGflops) &&
                     std::isfinite(ceilings.emptyDispatchUs) && ceilings.emptyDispatchUs >= 0.0;
  if (!whole) return {};
  return ceilings;
}
}  // namespace

CeilingsFile::CeilingsFile(const std::string& folder, const std::string& device, const std::string& driver)
    : m_kept(folder, "ceilings", device, driver) {}

std::optional<model::DeviceCeilings> CeilingsFile::load() const {
  return m_kept.load(parse);
}

void CeilingsFile::save(const model::DeviceCeilings& ceilings) const {
  ordered_json copy = ordered_json::array();
  for (const model::CopyPoint& point : ceilings.copy)
    copy.push_back({{"working_set_bytes", point.workingSetBytes}, {"gb_per_s", point.gigabytesPerSecond}});
  m_kept.save({{"format", "headroom-ceilings"},
               {"version", kVersion},
               {"device", ceilings.device},
               {"driver", ceilings.driver},
               {"date", ceilings.date},
               {"copy", copy},
               {"fma_gflops", ceilings.fmaGflops},
               {"empty_dispatch_us", ceilings.emptyDispatchUs}});
}

}  // namespace headroom::formats
