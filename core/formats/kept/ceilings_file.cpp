#include "core/formats/kept/ceilings_file.h"

#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "core/formats/files/atomic_file.h"
#include "core/formats/json/json_reader.h"
#include "core/formats/kept/cache_folder.h"
#include "core/model/error.h"

namespace headroom::formats {

namespace {
using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr std::size_t kMostBytes = 1 << 16;

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
    : m_device(device), m_driver(driver) {
  if (folder.empty()) return;
  const std::string name = cacheFileName("ceilings", device, device + "\n" + driver);
  m_path = (std::filesystem::path(folder) / (name + ".json")).string();
}

std::optional<model::DeviceCeilings> CeilingsFile::load() const {
  if (m_path.empty()) return {};
  try {
    const std::optional<model::DeviceCeilings> ceilings = parse(readJsonFile(m_path, kMostBytes));
    if (ceilings && ceilings->device == m_device && ceilings->driver == m_driver) return ceilings;
  } catch (const json::exception&) {
    // Whatever this is, it is measured anew and replaced.
  } catch (const model::Error&) {
  }
  return {};
}

void CeilingsFile::save(const model::DeviceCeilings& ceilings) const {
  if (m_path.empty()) return;
  std::error_code failed;
  const std::filesystem::path folder = std::filesystem::path(m_path).parent_path();
  std::filesystem::create_directories(folder, failed);
  if (failed)
    throw model::Error(fmt::format("Cannot make the folder {}: {}", folder.string(), failed.message()));
  ordered_json copy = ordered_json::array();
  for (const model::CopyPoint& point : ceilings.copy)
    copy.push_back({{"working_set_bytes", point.workingSetBytes}, {"gb_per_s", point.gigabytesPerSecond}});
  const ordered_json document = {{"format", "headroom-ceilings"},
                                 {"version", kVersion},
                                 {"device", ceilings.device},
                                 {"driver", ceilings.driver},
                                 {"date", ceilings.date},
                                 {"copy", copy},
                                 {"fma_gflops", ceilings.fmaGflops},
                                 {"empty_dispatch_us", ceilings.emptyDispatchUs}};
  AtomicFile file(m_path);
  file.write(document.dump(2) + "\n");
  file.commit();
}

}  // namespace headroom::formats
