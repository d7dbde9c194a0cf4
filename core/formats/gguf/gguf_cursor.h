#pragma once

#include <fmt/format.h>

#include <cstring>
#include <type_traits>

#include "core/formats/gguf/gguf_file.h"
#include "core/model/error.h"

namespace headroom::formats {

/// Walks through the bytes of a GGUF file and never past their end.
class GgufFile::Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : m_bytes(bytes) {}

  std::uint64_t position() const { return m_position; }
  std::uint64_t remaining() const { return m_bytes.size() - m_position; }

  std::span<const std::byte> take(std::uint64_t count, std::string_view what) {
    if (count > remaining()) {
      throw model::Error(fmt::format("the file ends inside {}: {} bytes needed at byte {}, {} left", what,
                                     count, m_position, remaining()));
    }
    const auto taken = m_bytes.subspan(m_position, count);
    m_position += count;
    return taken;
  }

  template <typename Number>
  Number number(std::string_view what) {
    static_assert(std::is_arithmetic_v<Number>);
    Number value;
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    return value;
  }

  std::string_view string(std::string_view what) {
    const auto length = number<std::uint64_t>(what);
    const auto bytes = take(length, what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

 private:
  std::span<const std::byte> m_bytes;
  std::uint64_t m_position = 0;
};

}  // namespace headroom::formats
