#include "core/model/step_record_bytes.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include "core/model/error.h"

namespace headroom::model {

namespace {

constexpr std::string_view kMagic = "headstep";
constexpr std::size_t kHeaderBytes = kMagic.size() + sizeof(std::uint32_t) + sizeof(std::uint64_t);
constexpr int kMost = std::numeric_limits<int>::max();
/// Far above any context, and low enough that sums of two positions are ints.
constexpr int kMostPosition = 1 << 28;

/// The unsigned integer with the bits of a number.
template <typename Number>
using BitsOf = std::conditional_t<sizeof(Number) == 4, std::uint32_t, std::uint64_t>;

/// Appends numbers to bytes. Has the same functions as Reader, so that one list of fields serves both.
class Writer {
 public:
  template <typename Value>
  using Part = const Value;
  static constexpr int version() { return kStepRecordVersion; }

  std::vector<std::byte> bytes;

  template <typename Number>
  void put(Number value) {
    const auto bits = std::bit_cast<BitsOf<Number>>(value);
    for (std::size_t i = 0; i < sizeof bits; ++i) bytes.push_back(static_cast<std::byte>(bits >> (8 * i)));
  }

  template <typename Integer>
  void integer(std::string_view, Integer value, int, int) {
    put(static_cast<std::int32_t>(value));
  }
  void count(std::string_view, std::uint64_t value) { put(value); }
  void optional(std::string_view, const std::optional<float>& value) {
    put(static_cast<std::int32_t>(value.has_value()));
    if (value) put(*value);
  }
  template <std::floating_point Number>
  void real(std::string_view, Number value) {
    put(value);
  }
  template <typename Element, typename Each>
  void list(std::string_view, const std::vector<Element>& elements, const Each& each) {
    put(static_cast<std::uint32_t>(elements.size()));
    for (const Element& element : elements) each(element);
  }
};

/// Takes numbers from bytes and refuses what cannot be.
class Reader {
 public:
  template <typename Value>
  using Part = Value;
  int version() const { return m_version; }

  /// `version` of bytes that begin behind the header.
  Reader(int version, std::span<const std::byte> bytes) : m_version(version), m_bytes(bytes) {}

  std::size_t remaining() const { return m_bytes.size(); }

  template <typename Number>
  Number take(std::string_view name) {
    BitsOf<Number> bits = 0;
    if (m_bytes.size() < sizeof bits) {
      throw Error(fmt::format("The step record ends in its {}: {} bytes are left, expected {}", name,
                              m_bytes.size(), sizeof bits));
    }
    for (std::size_t i = 0; i < sizeof bits; ++i) {
      bits |= static_cast<BitsOf<Number>>(m_bytes[i]) << (8 * i);
    }
    m_bytes = m_bytes.subspan(sizeof bits);
    return std::bit_cast<Number>(bits);
  }

  template <typename Integer>
  void integer(std::string_view name, Integer& value, int low, int high) {
    const auto number = take<std::int32_t>(name);
    if (number < low || number > high) {
      throw Error(fmt::format("The step record's {} is {}, expected {} to {}", name, number, low, high));
    }
    value = static_cast<Integer>(number);
  }
  void count(std::string_view name, std::uint64_t& value) { value = take<std::uint64_t>(name); }
  void optional(std::string_view name, std::optional<float>& value) {
    int isThere = 0;
    integer(name, isThere, 0, 1);
    if (isThere == 1) real(name, value.emplace());
  }
  template <std::floating_point Number>
  void real(std::string_view name, Number& value) {
    value = take<Number>(name);
    if (!std::isfinite(value)) {
      throw Error(fmt::format("The step record's {} is {}, expected a finite number", name, value));
    }
  }
  /// Memory grows with the elements that are there, whatever length is claimed.
  template <typename Element, typename Each>
  void list(std::string_view name, std::vector<Element>& elements, const Each& each) {
    const auto length = take<std::uint32_t>(name);
    constexpr std::size_t kLeastBytes = 4;  // of any element
    if (length > m_bytes.size() / kLeastBytes) {
      throw Error(fmt::format("The step record claims {} {}, expected at most {} in the {} bytes left",
                              length, name, m_bytes.size() / kLeastBytes, m_bytes.size()));
    }
    elements.clear();
    for (std::uint32_t i = 0; i < length; ++i) each(elements.emplace_back());
  }

 private:
  int m_version;
  std::span<const std::byte> m_bytes;
};

template <typename Archive, typename Value>
using Part = typename Archive::template Part<Value>;

// Below, each part of a record names all of its members, so that a new one does not compile before it was
// thought of here. To add a field: name it, raise kStepRecordVersion to V, and put the field behind all
// others of its part as
//   if (archive.version() >= V) archive.real("new field", newField);
// A field that shall not be kept is only named.

template <typename Archive>
void fields(Archive& archive, Part<Archive, Traffic>& part) {
  auto& [weightsRead, kvRead, kvWritten, activationsRead, activationsWritten, captureWritten] = part;
  archive.count("bytes of weights read", weightsRead);
  archive.count("KV bytes read", kvRead);
  archive.count("KV bytes written", kvWritten);
  archive.count("bytes of activations read", activationsRead);
  archive.count("bytes of activations written", activationsWritten);
  archive.count("bytes of capture written", captureWritten);
}

template <typename Archive>
void fields(Archive& archive, Part<Archive, StageRecord>& part) {
  auto& [stage, layer, gpuTimeMs, issued, logical, dispatchCount] = part;
  archive.integer("stage", stage, 0, kStageCount - 1);
  archive.integer("layer", layer, -1, kMost);
  archive.real("time of a stage", gpuTimeMs);
  fields<Archive>(archive, issued);
  fields<Archive>(archive, logical);
  archive.integer("number of dispatches", dispatchCount, 0, kMost);
}

template <typename Archive>
void fields(Archive& archive, Part<Archive, Overhead>& part) {
  auto& [prepareMs, setupMs, submitMs, readBackMs] = part;
  archive.real("time to prepare", prepareMs);
  archive.real("time to set up", setupMs);
  archive.real("time to submit", submitMs);
  archive.real("time to read back", readBackMs);
}

template <typename Archive>
void fields(Archive& archive, Part<Archive, AttentionRows>& part) {
  auto& [layers, queryHeads, rowCount, firstPosition, pooling, rowStride, values] = part;
  archive.list("captured layers", layers, [&](auto& layer) { archive.integer("layer", layer, 0, kMost); });
  archive.list("captured heads", queryHeads, [&](auto& head) { archive.integer("head", head, 0, kMost); });
  archive.integer("number of attention rows", rowCount, 0, kMostPosition);
  archive.integer("first attention row", firstPosition, 0, kMostPosition);
  archive.integer("pooling", pooling, 1, kMostPosition);
  archive.integer("stride of attention rows", rowStride, 0, kMost);
  archive.list("attention values", values, [&](auto& value) { archive.real("attention", value); });
}

template <typename Archive>
void fields(Archive& archive, Part<Archive, Candidate>& part) {
  auto& [token, probability] = part;
  archive.integer("candidate", token, 0, kMost);
  archive.real("probability", probability);
}

template <typename Archive>
void fields(Archive& archive, Part<Archive, StepRow>& part) {
  auto& [sequence, token, position] = part;
  archive.integer("sequence", sequence, 0, kMost);
  archive.integer("token of a row", token, 0, kMost);
  archive.integer("position of a row", position, 0, kMostPosition);
}

template <typename Archive>
void fields(Archive& archive, Part<Archive, Activations>& part) {
  auto& [point, layer, rowCount, firstPosition, columns, values] = part;
  archive.integer("place of activations", point, 0, static_cast<int>(std::size(kCapturePoints)) - 1);
  archive.integer("layer of activations", layer, 0, kMost);
  archive.integer("number of rows of activations", rowCount, 0, kMostPosition);
  archive.integer("first row of activations", firstPosition, 0, kMostPosition);
  archive.integer("columns of activations", columns, 0, kMost);
  archive.list("activations", values, [&](auto& value) { archive.real("activation", value); });
}

template <typename Archive>
void fields(Archive& archive, Part<Archive, TopToken>& part) {
  auto& [token, logit] = part;
  archive.integer("likely token", token, 0, kMost);
  archive.real("logit", logit);
}

template <typename Archive>
void fields(Archive& archive, Part<Archive, LogitsSummary>& part) {
  auto& [row, logSumExp, entropy, top, targetLogProbability] = part;
  archive.integer("row of a summary", row, 0, kMost);
  archive.real("sum of logits", logSumExp);
  archive.real("entropy of a row", entropy);
  archive.list("likely tokens", top, [&](auto& token) { fields<Archive>(archive, token); });
  archive.optional("log-probability of a target", targetLogProbability);
}

template <typename Archive>
void fields(Archive& archive, Part<Archive, StepRecord>& part) {
  auto& [tokens, position, rows, wallTimeMs, deviceMs, stages, overhead, cacheBytesUsed, cacheBytesAllocated,
         attention, activations, candidates, nextTokenEntropy, logits, summaries] = part;
  archive.list("tokens", tokens, [&](auto& token) { archive.integer("token", token, 0, kMost); });
  archive.integer("position", position, 0, kMostPosition);
  archive.real("wall time", wallTimeMs);
  archive.real("device time", deviceMs);
  archive.list("stages", stages, [&](auto& stage) { fields<Archive>(archive, stage); });
  fields<Archive>(archive, overhead);
  archive.count("cache bytes used", cacheBytesUsed);
  archive.count("cache bytes allocated", cacheBytesAllocated);
  fields<Archive>(archive, attention);
  archive.list("candidates", candidates, [&](auto& candidate) { fields<Archive>(archive, candidate); });
  archive.real("entropy", nextTokenEntropy);
  if (archive.version() < 2) return;
  archive.list("rows", rows, [&](auto& row) { fields<Archive>(archive, row); });
  archive.list("captured places", activations, [&](auto& place) { fields<Archive>(archive, place); });
  archive.list("summaries of logits", summaries, [&](auto& summary) { fields<Archive>(archive, summary); });
}

void requireAscending(std::string_view name, std::span<const int> values) {
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (values[i] > values[i - 1]) continue;
    throw Error(fmt::format("The step record's {} have {} behind {}, expected them ascending", name,
                            values[i], values[i - 1]));
  }
}

/// Throws unless the rows' values are where AttentionRows::row() looks for them.
void checkAttention(const AttentionRows& rows) {
  requireAscending("captured layers", rows.layers);
  requireAscending("captured heads", rows.queryHeads);
  if (!std::has_single_bit(static_cast<unsigned>(rows.pooling))) {
    throw Error(fmt::format("The step record's pooling is {}, expected a power of two", rows.pooling));
  }
  if (rows.values.empty()) return;
  const int least = rows.rowCount > 0 ? rows.valueCount(rows.rowCount - 1) : 0;
  if (rows.rowStride < least) {
    throw Error(fmt::format("The step record's stride of attention rows is {}, expected at least {}",
                            rows.rowStride, least));
  }
  // As a float64, which neither overflows nor, below 2^53, rounds.
  const double expected = static_cast<double>(rows.layers.size()) *
                          static_cast<double>(rows.queryHeads.size()) * rows.rowCount * rows.rowStride;
  if (static_cast<double>(rows.values.size()) != expected) {
    throw Error(fmt::format(
        "The step record has {} attention values, expected {} layers x {} heads x {} "
        "rows x {}",
        rows.values.size(), rows.layers.size(), rows.queryHeads.size(), rows.rowCount, rows.rowStride));
  }
}

void checkActivations(const Activations& part) {
  const double expected = static_cast<double>(part.rowCount) * part.columns;
  if (static_cast<double>(part.values.size()) == expected) return;
  throw Error(fmt::format("The step record has {} activations of layer {}, expected {} rows x {}",
                          part.values.size(), part.layer, part.rowCount, part.columns));
}

}  // namespace

std::vector<std::byte> stepRecordBytes(const StepRecord& record) {
  Writer content;
  fields<Writer>(content, record);
  Writer whole;
  for (const char letter : kMagic) whole.bytes.push_back(static_cast<std::byte>(letter));
  whole.put(static_cast<std::uint32_t>(kStepRecordVersion));
  whole.put(static_cast<std::uint64_t>(content.bytes.size()));
  whole.bytes.insert(whole.bytes.end(), content.bytes.begin(), content.bytes.end());
  return whole.bytes;
}

StepRecord readStepRecord(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderBytes) {
    throw Error(
        fmt::format("The step record has {} bytes, expected at least {}", bytes.size(), kHeaderBytes));
  }
  const std::string_view magic(reinterpret_cast<const char*>(bytes.data()), kMagic.size());
  if (magic != kMagic) {
    throw Error(fmt::format("The step record begins with bytes {:02x}, expected \"{}\"",
                            fmt::join(bytes.first(kMagic.size()), " "), kMagic));
  }
  Reader header(0, bytes.subspan(kMagic.size()));
  const auto version = header.take<std::uint32_t>("version");
  if (version < 1 || version > kStepRecordVersion) {
    throw Error(
        fmt::format("The step record is of version {}, expected 1 to {}", version, kStepRecordVersion));
  }
  const auto length = header.take<std::uint64_t>("length");
  if (length != header.remaining()) {
    throw Error(fmt::format("The step record has {} bytes after its header, expected {}", header.remaining(),
                            length));
  }
  Reader reader(static_cast<int>(version), bytes.subspan(kHeaderBytes));
  StepRecord record;
  fields<Reader>(reader, record);
  if (reader.remaining() > 0) {
    throw Error(
        fmt::format("The step record has {} bytes behind its last field, expected 0", reader.remaining()));
  }
  checkAttention(record.attention);
  for (const Activations& part : record.activations) checkActivations(part);
  return record;
}

}  // namespace headroom::model
