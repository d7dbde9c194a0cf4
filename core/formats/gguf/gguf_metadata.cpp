// Typed access to the metadata of a GGUF file.
#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "core/formats/gguf/gguf_cursor.h"
#include "core/formats/gguf/gguf_file.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using text::quotedName;

constexpr std::string_view kTypeNames[] = {"uint8",  "int8",    "uint16",  "int16", "uint32",
                                           "int32",  "float32", "boolean", "text",  "array",
                                           "uint64", "int64",   "float64"};

std::string_view nameOf(GgufType type) {
  return kTypeNames[static_cast<std::size_t>(type)];
}

[[noreturn]] void refuseType(std::string_view key, GgufType type, std::string_view expected) {
  throw Error(
      fmt::format("metadata key {} is of type {}, expected {}", quotedName(key), nameOf(type), expected));
}

template <typename Number>
Number load(std::span<const std::byte> bytes, std::uint64_t index) {
  Number value;
  std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
  return value;
}

/// Element `index` as an integer; nothing when the type is not an integer type.
std::optional<std::int64_t> integerAt(GgufType type, std::span<const std::byte> bytes, std::uint64_t index,
                                      std::string_view key) {
  switch (type) {
    case GgufType::Uint8:
      return load<std::uint8_t>(bytes, index);
    case GgufType::Int8:
      return load<std::int8_t>(bytes, index);
    case GgufType::Uint16:
      return load<std::uint16_t>(bytes, index);
    case GgufType::Int16:
      return load<std::int16_t>(bytes, index);
    case GgufType::Uint32:
      return load<std::uint32_t>(bytes, index);
    case GgufType::Int32:
      return load<std::int32_t>(bytes, index);
    case GgufType::Int64:
      return load<std::int64_t>(bytes, index);
    case GgufType::Uint64: {
      const auto value = load<std::uint64_t>(bytes, index);
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        throw Error(fmt::format("metadata key {} is {}, expected at most {}", quotedName(key), value,
                                std::numeric_limits<std::int64_t>::max()));
      }
      return static_cast<std::int64_t>(value);
    }
    default:
      return std::nullopt;
  }
}

std::optional<double> numberAt(GgufType type, std::span<const std::byte> bytes, std::uint64_t index,
                               std::string_view key) {
  if (type == GgufType::Float32) return static_cast<double>(load<float>(bytes, index));
  if (type == GgufType::Float64) return load<double>(bytes, index);
  const auto integer = integerAt(type, bytes, index, key);
  return integer ? std::optional(static_cast<double>(*integer)) : std::nullopt;
}
}  // namespace

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = m_metadata.find(key);
  return found == m_metadata.end() ? nullptr : &found->second;
}

const GgufValue* GgufFile::findArray(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value && value->type != GgufType::Array) refuseType(key, value->type, "array");
  return value;
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  const auto result = integerAt(value->type, value->bytes, 0, key);
  if (!result) refuseType(key, value->type, "an integer");
  return result;
}

std::optional<double> GgufFile::number(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  const auto result = numberAt(value->type, value->bytes, 0, key);
  if (!result) refuseType(key, value->type, "a number");
  return result;
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (value->type != GgufType::Bool) refuseType(key, value->type, "boolean");
  return load<std::uint8_t>(value->bytes, 0) != 0;
}

std::optional<std::string> GgufFile::text(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (value->type != GgufType::String) refuseType(key, value->type, "text");
  return std::string(reinterpret_cast<const char*>(value->bytes.data()), value->bytes.size());
}

std::optional<std::vector<std::string>> GgufFile::texts(std::string_view key) const {
  const GgufValue* value = findArray(key);
  if (!value) return std::nullopt;
  if (value->elementType != GgufType::String) refuseType(key, value->elementType, "an array of text");
  std::vector<std::string> result;
  result.reserve(value->count);
  Cursor cursor(value->bytes);
  for (std::uint64_t i = 0; i < value->count; ++i) result.emplace_back(cursor.string(key));
  return result;
}

std::optional<std::vector<std::int64_t>> GgufFile::integers(std::string_view key) const {
  const GgufValue* value = findArray(key);
  if (!value) return std::nullopt;
  std::vector<std::int64_t> result(value->count);
  for (std::uint64_t i = 0; i < value->count; ++i) {
    const auto element = integerAt(value->elementType, value->bytes, i, key);
    if (!element) refuseType(key, value->elementType, "an array of integers");
    result[i] = *element;
  }
  return result;
}

std::optional<std::vector<double>> GgufFile::numbers(std::string_view key) const {
  const GgufValue* value = findArray(key);
  if (!value) return std::nullopt;
  std::vector<double> result(value->count);
  for (std::uint64_t i = 0; i < value->count; ++i) {
    const auto element = numberAt(value->elementType, value->bytes, i, key);
    if (!element) refuseType(key, value->elementType, "an array of numbers");
    result[i] = *element;
  }
  return result;
}

}  // namespace headroom::formats
