#include "core/formats/hugging_face/safetensors_writer.h"

#include <cassert>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/formats/files/atomic_file.h"
#include "core/formats/hugging_face/safetensors_file.h"

namespace headroom::formats {

SafetensorsEntry SafetensorsEntry::of(std::string name, std::vector<std::int64_t> sizes,
                                      std::span<const float> values) {
  return {std::move(name), "F32", std::move(sizes), std::as_bytes(values)};
}

SafetensorsEntry SafetensorsEntry::of(std::string name, std::vector<std::int64_t> sizes,
                                      std::span<const std::int32_t> values) {
  return {std::move(name), "I32", std::move(sizes), std::as_bytes(values)};
}

SafetensorsStream::SafetensorsStream(const std::string& path, std::span<const SafetensorsSlot> tensors,
                                     const std::map<std::string, std::string>& metadata)
    : m_file(path) {
  using nlohmann::json;
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const SafetensorsSlot& tensor : tensors) {
    std::uint64_t bytes = safetensorsElementBytes(tensor.dtype);
    for (std::int64_t size : tensor.sizes) bytes *= static_cast<std::uint64_t>(size);
    assert(!header.contains(tensor.name));
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.sizes}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  // Text that is not UTF-8 has no place in JSON: replaced rather than refused.
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');

  const std::uint64_t headerBytes = text.size();
  m_file.write(std::as_bytes(std::span(&headerBytes, 1)));
  m_file.write(text);
  m_expectedBytes = m_file.bytesWritten() + offset;
}

void SafetensorsStream::commit() {
  assert(m_file.bytesWritten() == m_expectedBytes);
  m_file.commit();
}

void writeSafetensors(const std::string& path, std::span<const SafetensorsEntry> tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<SafetensorsSlot> slots;
  for (const SafetensorsEntry& tensor : tensors) slots.push_back({tensor.name, tensor.dtype, tensor.sizes});
  SafetensorsStream stream(path, slots, metadata);
  for (const SafetensorsEntry& tensor : tensors) stream.write(tensor.bytes);
  stream.commit();
}

}  // namespace headroom::formats
