#include "core/formats/json/json_object.h"

#include <fmt/format.h>

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

constexpr int kDeepestNesting = 16;

/// A value for a one-line message, cut where it is long.
std::string shown(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  if (value.is_string()) return quotedName(value.get_ref<const std::string&>());
  return value.dump();
}
}  // namespace

json parseJsonObject(std::string_view text, std::size_t mostBytes) {
  if (text.size() > mostBytes) {
    throw Error(fmt::format("it has {} bytes, expected at most {}", text.size(), mostBytes));
  }
  const auto refuseDepth = [](int depth, json::parse_event_t, json&) {
    if (depth > kDeepestNesting) {
      throw Error(fmt::format("it nests deeper than {} levels", kDeepestNesting));
    }
    return true;
  };
  try {
    json object = json::parse(text, refuseDepth);
    if (!object.is_object()) throw Error(fmt::format("it is {}, expected an object", shown(object)));
    return object;
  } catch (const json::parse_error& error) {
    throw Error(fmt::format("it is not JSON at byte {}", error.byte));
  } catch (const json::out_of_range&) {
    throw Error("it has a number that no float64 holds");
  }
}

JsonObject::JsonObject(const json& object, std::string prefix)
    : m_object(&object), m_prefix(std::move(prefix)) {
  assert(object.is_object());
}

const json* JsonObject::find(std::string_view key) const {
  const auto found = m_object->find(key);
  return found == m_object->end() || found->is_null() ? nullptr : &*found;
}

bool JsonObject::isNull(std::string_view key) const {
  const auto found = m_object->find(key);
  return found != m_object->end() && found->is_null();
}

void JsonObject::refuse(std::string_view key, const json& found, std::string_view expected) const {
  throw Error(fmt::format("{} is {}, expected {}", nameOf(key), shown(found), expected));
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

std::vector<std::pair<std::string, std::string>> JsonObject::textMembers() const {
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& [key, value] : m_object->items()) {
    if (!value.is_string()) refuse(quotedName(key), value, "text");
    members.emplace_back(key, value.get<std::string>());
  }
  return members;
}

}  // namespace headroom::formats
