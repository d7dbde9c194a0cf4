#include "core/formats/npy.h"

#include <fmt/format.h>

#include <bit>
#include <cassert>
#include <charconv>
#include <cstring>
#include <string_view>

#include "core/formats/files/atomic_file.h"
#include "core/formats/files/file_mapping.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

static_assert(std::endian::native == std::endian::little, "NPY files are written as the memory lies");

namespace {
constexpr std::string_view kMagic = "\x93NUMPY";

void writeHeader(AtomicFile& file, std::string_view type, const std::vector<std::int64_t>& shape) {
  std::string dimensions;
  for (std::int64_t size : shape) dimensions += fmt::format("{}, ", size);
  if (shape.size() > 1) dimensions.resize(dimensions.size() - 2);
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, dimensions);
  // The data starts at a multiple of 64; the header ends with a line feed.
  const std::size_t fixed = kMagic.size() + 4;
  header.append(63 - (fixed + header.size()) % 64, ' ');
  header.push_back('\n');

  file.write(kMagic);
  const auto length = static_cast<std::uint16_t>(header.size());
  const char prefix[] = {1, 0, static_cast<char>(length & 0xFF), static_cast<char>(length >> 8)};
  file.write(std::string_view(prefix, sizeof prefix));
  file.write(header);
}

void writeArray(const std::string& path, std::string_view type, const std::vector<std::int64_t>& shape,
                std::span<const std::byte> bytes) {
  AtomicFile file(path);
  writeHeader(file, type, shape);
  file.write(bytes);
  file.commit();
}

/// What follows `'key':` in a header, up to the end of the header.
std::string_view valueOf(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(key);
  if (at == std::string_view::npos) return {};
  const std::size_t colon = header.find(':', at + key.size());
  if (colon == std::string_view::npos) return {};
  const std::size_t start = header.find_first_not_of(' ', colon + 1);
  return start == std::string_view::npos ? std::string_view() : header.substr(start);
}

std::vector<std::int64_t> parseShape(const std::string& path, std::string_view text) {
  const std::size_t close = text.find(')');
  if (!text.starts_with('(') || close == std::string_view::npos) {
    throw model::Error(fmt::format("{}: the NPY header has no shape", path));
  }
  text = text.substr(1, close - 1);
  std::vector<std::int64_t> shape;
  while (true) {
    const std::size_t start = text.find_first_not_of(" ,");
    if (start == std::string_view::npos) return shape;
    text.remove_prefix(start);
    std::int64_t size = -1;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (status != std::errc() || size < 0) {
      throw model::Error(
          fmt::format("{}: the NPY shape {} is not a list of sizes", path, text::quotedName(text)));
    }
    shape.push_back(size);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
}

template <typename Element>
std::vector<double> widen(std::span<const std::byte> bytes, std::size_t count) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    Element element;
    std::memcpy(&element, bytes.data() + i * sizeof element, sizeof element);
    values[i] = static_cast<double>(element);
  }
  return values;
}
}  // namespace

void writeNpy(const std::string& path, const std::vector<std::int64_t>& shape,
              std::span<const float> values) {
  writeArray(path, "<f4", shape, std::as_bytes(values));
}

void writeNpy(const std::string& path, const std::vector<std::int64_t>& shape,
              std::span<const double> values) {
  writeArray(path, "<f8", shape, std::as_bytes(values));
}

NpyWriter::NpyWriter(const std::string& path, const std::vector<std::int64_t>& shape) : m_file(path) {
  writeHeader(m_file, "<f4", shape);
  std::uint64_t values = 1;
  for (std::int64_t size : shape) values *= static_cast<std::uint64_t>(size);
  m_expectedBytes = m_file.bytesWritten() + values * sizeof(float);
}

void NpyWriter::commit() {
  assert(m_file.bytesWritten() == m_expectedBytes);
  m_file.commit();
}

NpyArray readNpy(const std::string& path) {
  const FileMapping file(path);
  std::span<const std::byte> bytes = file.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (bytes.size() < 10 || !text.starts_with(kMagic)) {
    throw model::Error(fmt::format("{} is not an NPY file: it does not start with \\x93NUMPY", path));
  }
  const auto byteAt = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[i]); };
  const bool wide = byteAt(6) >= 2;  // version 1 has a 16-bit header length, 2 and 3 a 32-bit one
  const std::size_t headerStart = wide ? 12 : 10;
  std::size_t headerLength = byteAt(8) | byteAt(9) << 8;
  if (wide && bytes.size() >= 12) headerLength |= byteAt(10) << 16 | byteAt(11) << 24;
  if (headerStart > bytes.size() || headerLength > bytes.size() - headerStart) {
    throw model::Error(
        fmt::format("{}: the NPY header claims {} bytes, the file has {}", path, headerLength, bytes.size()));
  }
  const std::string_view header = text.substr(headerStart, headerLength);
  const std::string_view type = valueOf(header, "'descr'").substr(0, 5);
  if (type != "'<f4'" && type != "'<f8'") {
    throw model::Error(
        fmt::format("{}: NPY element type is {}, expected '<f4' or '<f8'", path, text::quotedName(type)));
  }
  if (!valueOf(header, "'fortran_order'").starts_with("False")) {
    throw model::Error(fmt::format("{}: NPY data is in Fortran order, expected C order", path));
  }
  NpyArray array;
  array.shape = parseShape(path, valueOf(header, "'shape'"));
  const std::span<const std::byte> data = bytes.subspan(headerStart + headerLength);
  const std::size_t elementBytes = type == "'<f4'" ? 4 : 8;
  const std::size_t available = data.size() / elementBytes;
  std::size_t count = 1;
  for (std::int64_t size : array.shape) {
    const auto dimension = static_cast<std::size_t>(size);
    if (dimension != 0 && count > available / dimension) {
      throw model::Error(
          fmt::format("{}: the NPY shape needs more values than the {} in the file", path, available));
    }
    count *= dimension;
  }
  if (count != available) {
    throw model::Error(fmt::format("{}: the NPY shape has {} values, the file {}", path, count, available));
  }
  array.values = elementBytes == 4 ? widen<float>(data, count) : widen<double>(data, count);
  return array;
}

}  // namespace headroom::formats
