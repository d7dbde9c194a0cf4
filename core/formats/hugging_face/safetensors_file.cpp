#include "core/formats/hugging_face/safetensors_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>
#include <utility>

#include "core/formats/json/json_reader.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

static_assert(std::endian::native == std::endian::little, "safetensors files are read as the memory lies");

namespace {
using model::Error;
using text::quotedName;

constexpr std::uint64_t kLongestHeader = 100'000'000;  // as the reference implementation
constexpr std::size_t kMostDimensions = 8;
constexpr std::uint64_t kLargestSize = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kLongestName = 65535;
constexpr std::string_view kMetadata = "__metadata__";

constexpr std::pair<std::string_view, std::uint64_t> kElementBytes[] = {
    {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},  {"I32", 4},     {"I16", 2},    {"I8", 1},
    {"U64", 8}, {"U32", 4}, {"U16", 2}, {"U8", 1},   {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};

std::optional<model::Storage> storageOf(std::string_view dtype) {
  if (dtype == "F32") return model::Storage::F32;
  if (dtype == "F16") return model::Storage::F16;
  if (dtype == "BF16") return model::Storage::BF16;
  return std::nullopt;
}

/// A tensor's entry as the header states it.
struct Entry {
  SafeTensor tensor;
  std::vector<std::uint64_t> offsets;  ///< begin and end in the data
  bool hasSizes = false;
};

/// Takes the header apart while it is parsed, so that no tree of it is built.
class HeaderReader final : public JsonVisitor {
 public:
  std::vector<Entry> entries;
  std::map<std::string, std::string, std::less<>> metadata;

  bool start_object(std::size_t) override {
    if (m_place == Place::Outside) {
      m_place = Place::Header;
    } else if (m_place == Place::Header) {
      m_place = m_key == kMetadata ? Place::Metadata : Place::Tensor;
      if (m_place == Place::Tensor) entries.push_back({.tensor = {.name = m_key}});
      if (m_place == Place::Metadata && std::exchange(m_hasMetadata, true)) {
        throw Error("__metadata__ appears twice");
      }
    } else {
      refuse("an object");
    }
    return true;
  }

  bool end_object() override {
    m_place = m_place == Place::Header ? Place::Outside : Place::Header;
    return true;
  }

  bool key(std::string& name) override {
    if (m_place == Place::Header && (name.empty() || name.size() > kLongestName)) {
      throw Error(fmt::format("a tensor's name has {} bytes, expected 1 to {}", name.size(), kLongestName));
    }
    if (m_place == Place::Tensor && name != "dtype" && name != "shape" && name != "data_offsets") {
      throw Error(fmt::format("tensor {} has a field {}, expected dtype, shape and data_offsets",
                              quotedName(entries.back().tensor.name), quotedName(name)));
    }
    m_key = std::move(name);
    return true;
  }

  bool start_array(std::size_t) override {
    if (m_place != Place::Tensor || m_key == "dtype") refuse("an array");
    m_place = m_key == "shape" ? Place::Shape : Place::Offsets;
    const Entry& entry = entries.back();
    if (m_place == Place::Shape ? entry.hasSizes : !entry.offsets.empty()) refuseTwice();
    return true;
  }

  bool end_array() override {
    if (m_place == Place::Shape) entries.back().hasSizes = true;
    m_place = Place::Tensor;
    return true;
  }

  bool string(std::string& text) override {
    if (m_place == Place::Metadata) {
      if (!metadata.emplace(m_key, text).second) {
        throw Error(fmt::format("metadata key {} appears twice", quotedName(m_key)));
      }
    } else if (m_place == Place::Tensor && m_key == "dtype") {
      if (!entries.back().tensor.dtype.empty()) refuseTwice();
      entries.back().tensor.dtype = std::move(text);
    } else {
      refuse("text");
    }
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (m_place == Place::Shape && value <= kLargestSize) {
      if (entries.back().tensor.sizes.size() == kMostDimensions) {
        throw Error(fmt::format("tensor {} has more than {} dimensions",
                                quotedName(entries.back().tensor.name), kMostDimensions));
      }
      entries.back().tensor.sizes.push_back(value);
    } else if (m_place == Place::Offsets && entries.back().offsets.size() < 2) {
      entries.back().offsets.push_back(value);
    } else {
      refuse(fmt::format("the number {}", value));
    }
    return true;
  }

  bool number_integer(number_integer_t value) override { return refuse(fmt::format("the number {}", value)); }
  bool number_float(number_float_t, const string_t& text) override {
    return refuse(fmt::format("the number {}", quotedName(text)));
  }
  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a boolean"); }

 private:
  enum class Place { Outside, Header, Metadata, Tensor, Shape, Offsets };

  [[noreturn]] bool refuse(const std::string& found) const {
    switch (m_place) {
      case Place::Outside:
        throw Error(fmt::format("the header is {}, expected an object", found));
      case Place::Header:
        throw Error(fmt::format("the header's {} is {}, expected an object", quotedName(m_key), found));
      case Place::Metadata:
        throw Error(fmt::format("metadata key {} is {}, expected text", quotedName(m_key), found));
      case Place::Tensor:
      case Place::Shape:
      case Place::Offsets:
        break;
    }
    throw Error(fmt::format("tensor {} has {} in its {}, expected {}", quotedName(entries.back().tensor.name),
                            found, quotedName(m_key),
                            m_key == "dtype"   ? "text"
                            : m_key == "shape" ? "sizes from 0"
                                               : "two offsets"));
  }
  [[noreturn]] void refuseTwice() const {
    throw Error(
        fmt::format("tensor {} has {} twice", quotedName(entries.back().tensor.name), quotedName(m_key)));
  }

  Place m_place = Place::Outside;
  bool m_hasMetadata = false;
  std::string m_key;
};

/// Nothing when it does not fit 64 bits.
std::optional<std::uint64_t> productOf(std::span<const std::uint64_t> sizes, std::uint64_t elementBytes) {
  if (std::ranges::find(sizes, 0u) != sizes.end()) return 0;
  std::uint64_t product = elementBytes;
  for (std::uint64_t size : sizes) {
    if (size > std::numeric_limits<std::uint64_t>::max() / product) return std::nullopt;
    product *= size;
  }
  return product;
}

/// Checks an entry against the data and gives the tensor its bytes.
SafeTensor place(Entry& entry, std::span<const std::byte> data) {
  SafeTensor& tensor = entry.tensor;
  if (tensor.dtype.empty() || !entry.hasSizes || entry.offsets.size() != 2) {
    throw Error(fmt::format("tensor {} lacks one of dtype, shape and data_offsets", quotedName(tensor.name)));
  }
  const std::uint64_t begin = entry.offsets[0];
  const std::uint64_t end = entry.offsets[1];
  if (begin > end || end > data.size()) {
    throw Error(fmt::format("tensor {} lies at {} to {}, the file has {} bytes of tensor data",
                            quotedName(tensor.name), begin, end, data.size()));
  }
  tensor.bytes = data.subspan(begin, end - begin);
  tensor.storage = storageOf(tensor.dtype);
  const std::uint64_t elementBytes = safetensorsElementBytes(tensor.dtype);
  if (elementBytes == 0) return std::move(tensor);
  const std::optional<std::uint64_t> needed = productOf(tensor.sizes, elementBytes);
  if (needed != tensor.bytes.size()) {
    throw Error(fmt::format("tensor {} of {} elements {} lies in {} bytes, expected {}",
                            quotedName(tensor.name), fmt::join(tensor.sizes, " x "), quotedName(tensor.dtype),
                            tensor.bytes.size(),
                            needed ? std::to_string(*needed) : "more than 64 bits count"));
  }
  return std::move(tensor);
}

/// The tensors' bytes follow each other, and together are all of the data.
void refuseGapsAndOverlaps(const std::vector<SafeTensor>& tensors, std::span<const std::byte> data) {
  std::vector<const SafeTensor*> ordered;
  ordered.reserve(tensors.size());
  for (const SafeTensor& tensor : tensors) ordered.push_back(&tensor);
  const auto beginOf = [&](const SafeTensor* tensor) {
    return static_cast<std::uint64_t>(tensor->bytes.data() - data.data());
  };
  std::ranges::sort(ordered, {}, [&](const SafeTensor* tensor) {
    return std::pair(beginOf(tensor), tensor->bytes.size());
  });
  std::uint64_t end = 0;
  for (const SafeTensor* tensor : ordered) {
    if (beginOf(tensor) != end) {
      throw Error(
          fmt::format("tensor {} starts at byte {} of the data, expected {}, where the one before ends",
                      quotedName(tensor->name), beginOf(tensor), end));
    }
    end += tensor->bytes.size();
  }
  if (end != data.size()) {
    throw Error(fmt::format("the file has {} bytes of tensor data, its tensors {}", data.size(), end));
  }
}
}  // namespace

std::uint64_t safetensorsElementBytes(std::string_view dtype) {
  const auto found =
      std::ranges::find(kElementBytes, dtype, &std::pair<std::string_view, std::uint64_t>::first);
  return found == std::end(kElementBytes) ? 0 : found->second;
}

std::uint64_t SafeTensor::elementCount() const {
  std::uint64_t count = 1;
  for (std::uint64_t size : sizes) count *= size;
  return count;
}

model::Tensor SafeTensor::matrix() const {
  assert(storage.has_value());
  const std::uint64_t columns = sizes.empty() ? 1 : sizes.back();
  const std::uint64_t rows = columns == 0 ? 0 : elementCount() / columns;
  return {*storage, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns), bytes};
}

SafetensorsFile::SafetensorsFile(std::span<const std::byte> bytes) {
  parse(bytes);
}

SafetensorsFile::SafetensorsFile(const std::string& path) : m_mapping(path) {
  try {
    parse(m_mapping.bytes());
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
}

void SafetensorsFile::parse(std::span<const std::byte> bytes) {
  std::uint64_t headerBytes = 0;
  if (bytes.size() < sizeof headerBytes) {
    throw Error(fmt::format("the file has {} bytes, expected at least {}", bytes.size(), sizeof headerBytes));
  }
  std::memcpy(&headerBytes, bytes.data(), sizeof headerBytes);
  bytes = bytes.subspan(sizeof headerBytes);
  if (headerBytes > kLongestHeader || headerBytes > bytes.size()) {
    throw Error(fmt::format("not a safetensors file: it claims a header of {} bytes, expected at most {}",
                            headerBytes, std::min<std::uint64_t>(kLongestHeader, bytes.size())));
  }
  const auto* header = reinterpret_cast<const char*>(bytes.data());
  if (headerBytes == 0 || *header != '{') {
    throw Error("not a safetensors file: its header does not start with {");
  }
  HeaderReader reader;
  walkJson({header, headerBytes}, kLongestHeader, "its header", reader);
  m_metadata = std::move(reader.metadata);
  const auto data = bytes.subspan(headerBytes);
  m_tensors.reserve(reader.entries.size());
  for (Entry& entry : reader.entries) m_tensors.push_back(place(entry, data));
  for (std::size_t i = 0; i < m_tensors.size(); ++i) {
    if (!m_tensorIndex.emplace(m_tensors[i].name, i).second) {
      throw Error(fmt::format("tensor {} appears twice", quotedName(m_tensors[i].name)));
    }
  }
  refuseGapsAndOverlaps(m_tensors, data);
}

const SafeTensor* SafetensorsFile::findTensor(std::string_view name) const {
  const auto found = m_tensorIndex.find(name);
  return found == m_tensorIndex.end() ? nullptr : &m_tensors[found->second];
}

}  // namespace headroom::formats
