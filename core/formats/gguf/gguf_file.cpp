#include "core/formats/gguf/gguf_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "core/formats/gguf/gguf_cursor.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

static_assert(std::endian::native == std::endian::little, "GGUF files are read as the memory lies");

namespace {
using model::Error;
using text::quotedName;

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint64_t kMostDimensions = 4;
constexpr std::uint64_t kLongestName = 65535;
// Sixteen times the largest vocabulary in use; bounds what a file can make this program allocate.
constexpr std::uint64_t kMostArrayElements = 1 << 22;
constexpr std::uint64_t kSmallestMetadataEntry = 8 + 1 + 4 + 1;        // key length, key, type, value
constexpr std::uint64_t kSmallestTensorEntry = 8 + 1 + 4 + 8 + 4 + 8;  // name, sizes, type, offset

/// Bytes of one value of a fixed-size type; 0 for strings and arrays.
std::uint64_t fixedBytes(GgufType type) {
  switch (type) {
    case GgufType::Uint8:
    case GgufType::Int8:
    case GgufType::Bool:
      return 1;
    case GgufType::Uint16:
    case GgufType::Int16:
      return 2;
    case GgufType::Uint32:
    case GgufType::Int32:
    case GgufType::Float32:
      return 4;
    case GgufType::Uint64:
    case GgufType::Int64:
    case GgufType::Float64:
      return 8;
    case GgufType::String:
    case GgufType::Array:
      return 0;
  }
  return 0;
}

GgufType checkedType(std::uint32_t number, std::string_view key) {
  if (number > static_cast<std::uint32_t>(GgufType::Float64)) {
    throw Error(fmt::format("metadata key {} has type {}, expected 0 to 12", quotedName(key), number));
  }
  return static_cast<GgufType>(number);
}

std::optional<model::Storage> storageOf(std::uint32_t typeNumber) {
  for (const model::StorageFormat& format : model::storageFormats()) {
    if (format.ggufType == typeNumber) return format.storage;
  }
  return std::nullopt;
}

/// Bytes of a tensor of a known storage; refuses sizes whose product does not fit the file anyway.
std::uint64_t tensorBytes(const GgufTensor& tensor, std::uint64_t available) {
  const auto blockElements = static_cast<std::uint64_t>(model::blockElements(*tensor.storage));
  if (tensor.sizes[0] % blockElements != 0) {
    throw Error(fmt::format("tensor {} is {} with rows of {} elements, expected a multiple of {}",
                            quotedName(tensor.name), model::shortName(*tensor.storage), tensor.sizes[0],
                            blockElements));
  }
  // Every size is below 2^31, so that a row's bytes do not overflow.
  std::uint64_t bytes = model::rowBytes(*tensor.storage, tensor.sizes[0]);
  for (std::size_t i = 1; i < tensor.sizes.size() && bytes <= available; ++i) {
    bytes = tensor.sizes[i] > available / bytes ? available + 1 : bytes * tensor.sizes[i];
  }
  if (bytes > available) {
    throw Error(fmt::format("tensor {} of {} elements does not fit: {} bytes are left at its offset {}",
                            quotedName(tensor.name), fmt::join(tensor.sizes, " x "), available,
                            tensor.offset));
  }
  return bytes;
}
}  // namespace

std::string ggufTensorTypeName(std::uint32_t typeNumber) {
  if (const auto storage = storageOf(typeNumber)) return std::string(model::shortName(*storage));
  // As ggml numbers the types that this project does not read.
  constexpr std::pair<std::uint32_t, std::string_view> kOthers[] = {
      {9, "Q8_1"},   {15, "Q8_K"},   {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"},
      {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"},   {22, "IQ2_S"},  {23, "IQ4_XS"},
      {24, "I8"},    {25, "I16"},    {26, "I32"},     {27, "I64"},    {28, "F64"},
      {29, "IQ1_M"}, {34, "TQ1_0"},  {35, "TQ2_0"},   {39, "MXFP4"}};
  for (const auto& [number, name] : kOthers) {
    if (number == typeNumber) return std::string(name);
  }
  return fmt::format("type {}", typeNumber);
}

std::uint32_t ggufTensorType(model::Storage storage) {
  return model::formatOf(storage).ggufType;
}

GgufFile::GgufFile(std::span<const std::byte> bytes) : m_bytes(bytes) {
  parse();
}

GgufFile::GgufFile(const std::string& path) : m_mapping(path), m_bytes(m_mapping.bytes()) {
  try {
    parse();
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
}

void GgufFile::parse() {
  Cursor cursor(m_bytes);
  const auto magic = cursor.take(kMagic.size(), "the magic number");
  const std::string_view found(reinterpret_cast<const char*>(magic.data()), magic.size());
  if (found != kMagic)
    throw Error(fmt::format("not a GGUF file: it starts with {}, expected \"GGUF\"", quotedName(found)));
  m_version = cursor.number<std::uint32_t>("the version");
  if (m_version != 0 && (m_version & 0xFFFF) == 0) {
    throw Error("the file is big-endian, expected little-endian GGUF");
  }
  if (m_version != 2 && m_version != 3) {
    throw Error(fmt::format("GGUF version {}, expected 2 or 3", m_version));
  }
  const auto tensorCount = cursor.number<std::uint64_t>("the tensor count");
  const auto metadataCount = cursor.number<std::uint64_t>("the metadata count");
  readMetadata(cursor, metadataCount);
  const std::int64_t alignment = integer("general.alignment").value_or(32);
  if (alignment < 8 || alignment > 65536 || !std::has_single_bit(static_cast<std::uint64_t>(alignment))) {
    throw Error(fmt::format("general.alignment is {}, expected a power of two from 8 to 65536", alignment));
  }
  m_alignment = static_cast<std::uint64_t>(alignment);
  readTensorTable(cursor, tensorCount);
  placeTensors((cursor.position() + m_alignment - 1) / m_alignment * m_alignment);
}

void GgufFile::readMetadata(Cursor& cursor, std::uint64_t count) {
  if (count > cursor.remaining() / kSmallestMetadataEntry) {
    throw Error(fmt::format("the header claims {} metadata entries, {} bytes hold at most {}", count,
                            cursor.remaining(), cursor.remaining() / kSmallestMetadataEntry));
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string_view key = cursor.string("a metadata key");
    if (key.empty() || key.size() > kLongestName) {
      throw Error(fmt::format("metadata key {} has {} bytes, expected 1 to {}", i, key.size(), kLongestName));
    }
    const GgufValue value = readValue(cursor, key);
    if (!m_metadata.emplace(key, value).second) {
      throw Error(fmt::format("metadata key {} appears twice", quotedName(key)));
    }
  }
}

GgufValue GgufFile::readValue(Cursor& cursor, std::string_view key) const {
  const std::string what = fmt::format("metadata key {}", quotedName(key));
  GgufValue value;
  value.type = checkedType(cursor.number<std::uint32_t>(what), key);
  if (value.type == GgufType::String) {
    const std::string_view text = cursor.string(what);
    value.bytes = std::as_bytes(std::span(text));
    return value;
  }
  if (value.type != GgufType::Array) {
    value.bytes = cursor.take(fixedBytes(value.type), what);
    return value;
  }
  value.elementType = checkedType(cursor.number<std::uint32_t>(what), key);
  value.count = cursor.number<std::uint64_t>(what);
  if (value.elementType == GgufType::Array) throw Error(fmt::format("{} is an array of arrays", what));
  if (value.count > kMostArrayElements) {
    throw Error(fmt::format("{} is an array of {} elements, expected at most {}", what, value.count,
                            kMostArrayElements));
  }
  if (value.elementType != GgufType::String) {
    value.bytes = cursor.take(value.count * fixedBytes(value.elementType), what);
    return value;
  }
  const std::uint64_t start = cursor.position();
  for (std::uint64_t i = 0; i < value.count; ++i) cursor.string(what);
  value.bytes = m_bytes.subspan(start, cursor.position() - start);
  return value;
}

void GgufFile::readTensorTable(Cursor& cursor, std::uint64_t count) {
  if (count > cursor.remaining() / kSmallestTensorEntry) {
    throw Error(fmt::format("the header claims {} tensors, {} bytes hold at most {}", count,
                            cursor.remaining(), cursor.remaining() / kSmallestTensorEntry));
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    GgufTensor tensor;
    tensor.name = cursor.string("a tensor name");
    if (tensor.name.empty() || tensor.name.size() > kLongestName) {
      throw Error(
          fmt::format("tensor name {} has {} bytes, expected 1 to {}", i, tensor.name.size(), kLongestName));
    }
    const std::string what = fmt::format("the entry of tensor {}", quotedName(tensor.name));
    const auto dimensions = cursor.number<std::uint32_t>(what);
    if (dimensions < 1 || dimensions > kMostDimensions) {
      throw Error(
          fmt::format("tensor {} has {} dimensions, expected 1 to 4", quotedName(tensor.name), dimensions));
    }
    for (std::uint32_t d = 0; d < dimensions; ++d) {
      tensor.sizes.push_back(cursor.number<std::uint64_t>(what));
      if (tensor.sizes.back() == 0 || tensor.sizes.back() > std::numeric_limits<std::int32_t>::max()) {
        throw Error(fmt::format("dimension {} of tensor {} is {}, expected 1 to 2147483647", d,
                                quotedName(tensor.name), tensor.sizes.back()));
      }
    }
    tensor.typeNumber = cursor.number<std::uint32_t>(what);
    tensor.storage = storageOf(tensor.typeNumber);
    tensor.offset = cursor.number<std::uint64_t>(what);
    if (!m_tensorIndex.emplace(tensor.name, m_tensors.size()).second) {
      throw Error(fmt::format("tensor {} appears twice", quotedName(tensor.name)));
    }
    m_tensors.push_back(std::move(tensor));
  }
}

void GgufFile::placeTensors(std::uint64_t dataStart) {
  const std::uint64_t dataBytes = dataStart < m_bytes.size() ? m_bytes.size() - dataStart : 0;
  for (GgufTensor& tensor : m_tensors) {
    if (tensor.offset % m_alignment != 0) {
      throw Error(fmt::format("tensor {} starts at offset {}, expected a multiple of {}",
                              quotedName(tensor.name), tensor.offset, m_alignment));
    }
    if (tensor.offset >= dataBytes) {
      throw Error(fmt::format("tensor {} starts at offset {}, the file has {} bytes of tensor data",
                              quotedName(tensor.name), tensor.offset, dataBytes));
    }
    if (!tensor.storage) continue;
    tensor.bytes = m_bytes.subspan(dataStart + tensor.offset, tensorBytes(tensor, dataBytes - tensor.offset));
  }
  refuseOverlaps();
}

void GgufFile::refuseOverlaps() const {
  std::vector<const GgufTensor*> ordered;
  for (const GgufTensor& tensor : m_tensors) ordered.push_back(&tensor);
  std::sort(ordered.begin(), ordered.end(),
            [](const GgufTensor* a, const GgufTensor* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < ordered.size(); ++i) {
    const GgufTensor& before = *ordered[i - 1];
    const std::uint64_t end = before.offset + std::max<std::uint64_t>(before.bytes.size(), 1);
    if (end > ordered[i]->offset) {
      throw Error(fmt::format("tensors {} and {} overlap: one ends at offset {}, the other starts at {}",
                              quotedName(before.name), quotedName(ordered[i]->name), end,
                              ordered[i]->offset));
    }
  }
}

const GgufTensor* GgufFile::findTensor(std::string_view name) const {
  const auto found = m_tensorIndex.find(name);
  return found == m_tensorIndex.end() ? nullptr : &m_tensors[found->second];
}

}  // namespace headroom::formats
