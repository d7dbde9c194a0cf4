#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::formats {

/// A value for a one-line message, cut where it is long.
std::string shownJson(const nlohmann::json& value);

/// Reads members of a JSON object that somebody else keeps. A member that is null counts as missing. Each
/// reader throws model::Error, one sentence with the key, what it is and what was expected, when a member is
/// of another type or out of range.
class JsonObject {
 public:
  /// `prefix` stands before keys in messages: "rope_scaling.".
  explicit JsonObject(const nlohmann::json& object, std::string prefix = {});

  bool has(std::string_view key) const { return find(key) != nullptr; }
  bool isNull(std::string_view key) const;
  /// For messages: "rope_scaling.factor".
  std::string nameOf(std::string_view key) const { return m_prefix + std::string(key); }

  std::optional<std::int64_t> integer(std::string_view key, std::int64_t low, std::int64_t high) const;
  std::int64_t requiredInteger(std::string_view key, std::int64_t low, std::int64_t high) const;
  /// Any whole number from 0 on, as seeds are.
  std::optional<std::uint64_t> natural(std::string_view key) const;
  /// Within these limits.
  std::optional<double> number(std::string_view key, double low, double high) const;
  /// Finite and above zero, also as a float32.
  std::optional<double> positive(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  /// Which of `names` it is, as an index.
  std::optional<std::size_t> choice(std::string_view key, std::span<const std::string_view> names) const;
  std::optional<std::vector<double>> numbers(std::string_view key) const;
  std::optional<std::vector<std::string>> texts(std::string_view key) const;
  std::optional<JsonObject> object(std::string_view key) const;
  /// At least one and at most `most` objects; they are called "lanes[0]." and so on.
  std::optional<std::vector<JsonObject>> objects(std::string_view key, std::size_t most) const;
  /// The members' keys and texts; every member must be a text.
  std::vector<std::pair<std::string, std::string>> textMembers() const;

 private:
  const nlohmann::json* find(std::string_view key) const;
  [[noreturn]] void refuse(std::string_view key, const nlohmann::json& found,
                           std::string_view expected) const;

  const nlohmann::json* m_object;
  std::string m_prefix;
};

/// The member of an object, or null when `value` is no object or has no such member, or a null one.
const nlohmann::json* findMember(const nlohmann::json& value, std::string_view key);

// The member as a type, or `missing` when `value` is no object or has no such member, or a null one. Throw
// model::Error when it is of another type.
std::string textMember(const nlohmann::json& value, std::string_view key, std::string_view missing);
bool flagMember(const nlohmann::json& value, std::string_view key, bool missing);

/// A whole number from 0 to 2^31 - 1. Throws model::Error, calling it `what`, for anything else.
int idOf(const nlohmann::json& value, std::string_view what);

}  // namespace headroom::formats
