#include "core/formats/safetensors_writer.h"

#include <cassert>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/formats/atomic_file.h"
#include "core/formats/safetensors_file.h"

namespace headroom::formats {

SafetensorsEntry SafetensorsEntry::of(std::string name, std::vector<std::int64_t> sizes,
                                      std::span<const float> values) {
  return {std::move(name), "F32", std::move(sizes), std::as_bytes(values)};
}

SafetensorsEntry SafetensorsEntry::of(std::string name, std::vector<std::int64_t> sizes,
                                      std::span<const std::int32_t> values) {
  return {std::move(name), "I32", std::move(sizes), std::as_bytes(values)};
}

void writeSafetensors(const std::string& path, std::span<const SafetensorsEntry> tensors,
                      const std::map<std::string, std::string>& metadata) {
  using nlohmann::json;
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const SafetensorsEntry& tensor : tensors) {
    std::uint64_t needed = safetensorsElementBytes(tensor.dtype);
    for (std::int64_t size : tensor.sizes) needed *= static_cast<std::uint64_t>(size);
    assert(needed == tensor.bytes.size() && !header.contains(tensor.name));
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.sizes},
                           {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  // Text that is not UTF-8 has no place in JSON: replaced rather than refused.
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');

  AtomicFile file(path);
  const std::uint64_t headerBytes = text.size();
  file.write(std::as_bytes(std::span(&headerBytes, 1)));
  file.write(text);
  for (const SafetensorsEntry& tensor : tensors) file.write(tensor.bytes);
  file.commit();
}

}  // namespace headroom::formats
