#include "core/formats/json/json_object.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using nlohmann::json;
using text::quotedName;
}  // namespace

std::string shownJson(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  if (value.is_string()) return quotedName(value.get_ref<const std::string&>());
  return value.dump();
}

JsonObject::JsonObject(const json& object, std::string prefix)
    : m_object(&object), m_prefix(std::move(prefix)) {
  assert(object.is_object());
}

const json* JsonObject::find(std::string_view key) const {
  return findMember(*m_object, key);
}

bool JsonObject::isNull(std::string_view key) const {
  const auto found = m_object->find(key);
  return found != m_object->end() && found->is_null();
}

void JsonObject::refuse(std::string_view key, const json& found, std::string_view expected) const {
  throw Error(fmt::format("{} is {}, expected {}", nameOf(key), shownJson(found), expected));
}

std::optional<std::int64_t> JsonObject::integer(std::string_view key, std::int64_t low,
                                                std::int64_t high) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  const auto limits = [&] { return fmt::format("an integer from {} to {}", low, high); };
  if (!value->is_number_integer()) refuse(key, *value, limits());
  const bool fits = !value->is_number_unsigned() ||
                    value->get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  if (!fits || value->get<std::int64_t>() < low || value->get<std::int64_t>() > high) {
    refuse(key, *value, limits());
  }
  return value->get<std::int64_t>();
}

std::int64_t JsonObject::requiredInteger(std::string_view key, std::int64_t low, std::int64_t high) const {
  const auto value = integer(key, low, high);
  if (!value) throw Error(fmt::format("{} is missing", nameOf(key)));
  return *value;
}

std::optional<std::uint64_t> JsonObject::natural(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_number_unsigned()) refuse(key, *value, "a whole number from 0 on");
  return value->get<std::uint64_t>();
}

std::optional<double> JsonObject::number(std::string_view key, double low, double high) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  const double number = value->is_number() ? value->get<double>() : std::numeric_limits<double>::quiet_NaN();
  if (!(number >= low && number <= high))
    refuse(key, *value, fmt::format("a number from {} to {}", low, high));
  return number;
}

std::optional<double> JsonObject::positive(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  const double number = value->is_number() ? value->get<double>() : 0.0;
  // What a float32 rounds to zero or infinity is as good as that.
  if (!(number >= double{std::numeric_limits<float>::min()} &&
        number <= double{std::numeric_limits<float>::max()})) {
    refuse(key, *value, "a positive number");
  }
  return number;
}

std::optional<bool> JsonObject::flag(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) refuse(key, *value, "true or false");
  return value->get<bool>();
}

std::optional<std::string> JsonObject::text(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_string()) refuse(key, *value, "text");
  return value->get<std::string>();
}

std::optional<std::size_t> JsonObject::choice(std::string_view key,
                                              std::span<const std::string_view> names) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  const auto found =
      value->is_string() ? std::ranges::find(names, value->get_ref<const std::string&>()) : names.end();
  if (found == names.end()) refuse(key, *value, fmt::format("one of {}", fmt::join(names, ", ")));
  return static_cast<std::size_t>(found - names.begin());
}

std::optional<std::vector<double>> JsonObject::numbers(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_array()) refuse(key, *value, "a list of numbers");
  std::vector<double> result;
  for (const json& element : *value) {
    if (!element.is_number()) refuse(key, *value, "a list of numbers");
    result.push_back(element.get<double>());
  }
  return result;
}

std::optional<std::vector<std::string>> JsonObject::texts(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_array()) refuse(key, *value, "a list of text");
  std::vector<std::string> result;
  for (const json& element : *value) {
    if (!element.is_string()) refuse(key, *value, "a list of text");
    result.push_back(element.get<std::string>());
  }
  return result;
}

std::optional<JsonObject> JsonObject::object(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_object()) refuse(key, *value, "an object");
  return JsonObject(*value, nameOf(key) + ".");
}

std::optional<std::vector<JsonObject>> JsonObject::objects(std::string_view key, std::size_t most) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  const auto expected = [&] { return fmt::format("a list of 1 to {} objects", most); };
  if (!value->is_array()) refuse(key, *value, expected());
  if (value->empty() || value->size() > most) {
    throw Error(fmt::format("{} has {} entries, expected {}", nameOf(key), value->size(), expected()));
  }
  std::vector<JsonObject> result;
  for (const json& element : *value) {
    const std::string name = fmt::format("{}[{}]", nameOf(key), result.size());
    if (!element.is_object()) {
      throw Error(fmt::format("{} is {}, expected an object", name, shownJson(element)));
    }
    result.emplace_back(element, name + ".");
  }
  return result;
}

std::vector<std::pair<std::string, std::string>> JsonObject::textMembers() const {
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& [key, value] : m_object->items()) {
    if (!value.is_string()) refuse(quotedName(key), value, "text");
    members.emplace_back(key, value.get<std::string>());
  }
  return members;
}

const json* findMember(const json& value, std::string_view key) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(key);
  return found == value.end() || found->is_null() ? nullptr : &*found;
}

std::string textMember(const json& value, std::string_view key, std::string_view missing) {
  if (!value.is_object()) return std::string(missing);
  return JsonObject(value).text(key).value_or(std::string(missing));
}

bool flagMember(const json& value, std::string_view key, bool missing) {
  return value.is_object() ? JsonObject(value).flag(key).value_or(missing) : missing;
}

int idOf(const json& value, std::string_view what) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<int>::max());
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMost) {
    throw Error(fmt::format("{} is {}, expected a whole number from 0 to {}", what, shownJson(value), kMost));
  }
  return static_cast<int>(value.get<std::uint64_t>());
}

}  // namespace headroom::formats
