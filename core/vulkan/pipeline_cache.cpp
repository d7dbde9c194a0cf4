#include "core/vulkan/pipeline_cache.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <random>
#include <span>

#include <fmt/format.h>

#include "core/vulkan/check.h"

namespace headroom::vulkan {

namespace {

constexpr std::array<char, 8> kMagic{'H', 'R', 'P', 'I', 'P', 'E', '0', '1'};
constexpr std::uintmax_t kMostBytes = 256ull << 20;

/// What precedes the driver's bytes in the file: a driver trusts what it is given, so a torn or flipped file
/// must not reach it.
struct FileHeader {
  std::array<char, 8> magic = kMagic;
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;
};

/// FNV-1a.
std::uint64_t hashOf(std::span<const char> bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

std::vector<char> readFile(const std::filesystem::path& path) {
  std::error_code failed;
  const std::uintmax_t bytes = std::filesystem::file_size(path, failed);
  if (failed || bytes > kMostBytes) return {};
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The driver's bytes in a file, if they are whole and of this very device and driver.
std::vector<char> trusted(const std::vector<char>& file, const VkPhysicalDeviceProperties& properties) {
  FileHeader header;
  VkPipelineCacheHeaderVersionOne driver;
  if (file.size() < sizeof header + sizeof driver) return {};
  std::memcpy(&header, file.data(), sizeof header);
  const std::span<const char> bytes = std::span(file).subspan(sizeof header);
  if (header.magic != kMagic || header.bytes != bytes.size() || header.hash != hashOf(bytes)) return {};
  std::memcpy(&driver, bytes.data(), sizeof driver);
  const bool same = driver.headerSize == sizeof driver &&
                    driver.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE &&
                    driver.vendorID == properties.vendorID && driver.deviceID == properties.deviceID &&
                    std::ranges::equal(driver.pipelineCacheUUID, properties.pipelineCacheUUID);
  if (!same) return {};
  return {bytes.begin(), bytes.end()};
}

std::string fileName(const VkPhysicalDeviceProperties& properties) {
  std::string name = fmt::format("kernels-{:04x}-{:04x}-{:08x}-", properties.vendorID, properties.deviceID,
                                 properties.driverVersion);
  for (const std::uint8_t byte : properties.pipelineCacheUUID) name += fmt::format("{:02x}", byte);
  return name + ".bin";
}

}  // namespace

PipelineCache::PipelineCache(VkDevice device, const VkPhysicalDeviceProperties& properties,
                             const std::string& folder)
    : m_device(device) {
  if (!folder.empty()) {
    m_path = std::filesystem::path(folder) / fileName(properties);
    m_loaded = trusted(readFile(m_path), properties);
  }
  VkPipelineCacheCreateInfo info{.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                                 .initialDataSize = m_loaded.size(),
                                 .pInitialData = m_loaded.data()};
  VkPipelineCache cache;
  if (vkCreatePipelineCache(device, &info, nullptr, &cache) != VK_SUCCESS) {
    // The driver may refuse the old bytes; then it compiles anew.
    m_loaded.clear();
    info.initialDataSize = 0;
    check(vkCreatePipelineCache(device, &info, nullptr, &cache), "create a pipeline cache");
  }
  m_cache = {device, cache};
}

void PipelineCache::save() noexcept {
  if (m_path.empty() || !m_cache) return;
  try {
    writeIfNew();
  } catch (const std::exception&) {
    // Without the file the next start compiles again; there is nothing a user should do.
  }
}

void PipelineCache::writeIfNew() {
  std::size_t bytes = 0;
  check(vkGetPipelineCacheData(m_device, m_cache.get(), &bytes, nullptr), "read the pipeline cache");
  std::vector<char> data(bytes);
  check(vkGetPipelineCacheData(m_device, m_cache.get(), &bytes, data.data()), "read the pipeline cache");
  data.resize(bytes);
  // A driver without a cache of its own gives a header only.
  if (data.size() <= sizeof(VkPipelineCacheHeaderVersionOne) || data == m_loaded) return;

  const FileHeader header{.bytes = data.size(), .hash = hashOf(data)};
  std::filesystem::create_directories(m_path.parent_path());
  // Complete under another name first: two runs may end at the same time.
  const std::filesystem::path part = fmt::format("{}.part-{:08x}", m_path.string(), std::random_device{}());
  std::ofstream file(part, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&header), sizeof header);
  file.write(data.data(), static_cast<std::streamsize>(data.size()));
  file.close();
  std::error_code failed;
  if (file) std::filesystem::rename(part, m_path, failed);
  if (!file || failed) std::filesystem::remove(part, failed);
}

}  // namespace headroom::vulkan
