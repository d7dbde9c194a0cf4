#include "core/formats/kept/ceilings_file.h"

#include <cmath>
#include <utility>
#include <vector>

namespace headroom::formats {

namespace {
using nlohmann::json;
using nlohmann::ordered_json;

/// 1 knew copy commands only, which on a GPU may be a fifth of what kernels copy; 2 no reading.
constexpr int kCeilingsVersion = 3;

bool isPositive(double value) {
  return std::isfinite(value) && value > 0.0;
}

/// Nothing when it is no ascending curve of rates.
std::optional<std::vector<model::MemoryPoint>> parseCurve(const json& list) {
  std::vector<model::MemoryPoint> curve;
  std::uint64_t before = 0;
  for (const json& entry : list) {
    const model::MemoryPoint point{.workingSetBytes = entry.at("working_set_bytes"),
                                   .gigabytesPerSecond = entry.at("gb_per_s")};
    if (point.workingSetBytes <= before || !isPositive(point.gigabytesPerSecond)) return {};
    before = point.workingSetBytes;
    curve.push_back(point);
  }
  return curve;
}

ordered_json curveDocument(const std::vector<model::MemoryPoint>& curve) {
  ordered_json list = ordered_json::array();
  for (const model::MemoryPoint& point : curve)
    list.push_back({{"working_set_bytes", point.workingSetBytes}, {"gb_per_s", point.gigabytesPerSecond}});
  return list;
}

/// Throws nlohmann's exceptions for what is missing or of another type.
std::optional<model::DeviceCeilings> parseCeilings(const json& document) {
  if (document.at("format") != "headroom-ceilings" || document.at("version") != kCeilingsVersion) return {};
  auto copy = parseCurve(document.at("copy"));
  auto read = parseCurve(document.at("read"));
  auto coldRead = parseCurve(document.at("cold_read"));
  if (!copy || !read || !coldRead) return {};
  model::DeviceCeilings ceilings{.device = document.at("device"),
                                 .driver = document.at("driver"),
                                 .date = document.at("date"),
                                 .copy = std::move(*copy),
                                 .read = std::move(*read),
                                 .coldRead = std::move(*coldRead),
                                 .fmaGflops = document.at("fma_gflops"),
                                 .emptyDispatchUs = document.at("empty_dispatch_us")};
  const bool whole = ceilings.known() && isPositive(ceilings.fmaGflops) &&
                     std::isfinite(ceilings.emptyDispatchUs) && ceilings.emptyDispatchUs >= 0.0;
  if (!whole) return {};
  return ceilings;
}
}  // namespace

CeilingsFile::CeilingsFile(const std::string& folder, const std::string& device, const std::string& driver)
    : m_kept(folder, "ceilings", device, driver) {}

std::optional<model::DeviceCeilings> CeilingsFile::load() const {
  return m_kept.load(parseCeilings);
}

void CeilingsFile::save(const model::DeviceCeilings& ceilings) const {
  m_kept.save({{"format", "headroom-ceilings"},
               {"version", kCeilingsVersion},
               {"device", ceilings.device},
               {"driver", ceilings.driver},
               {"date", ceilings.date},
               {"copy", curveDocument(ceilings.copy)},
               {"read", curveDocument(ceilings.read)},
               {"cold_read", curveDocument(ceilings.coldRead)},
               {"fma_gflops", ceilings.fmaGflops},
               {"empty_dispatch_us", ceilings.emptyDispatchUs}});
}

}  // namespace headroom::formats
