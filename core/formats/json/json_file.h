#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace headroom::formats {

/// The JSON document in a file. Throws model::Error, one sentence that names the file, when it cannot be
/// read, is larger than 256 MiB, nests deeper than 64 levels or is no JSON.
nlohmann::json readJsonFile(const std::string& path);

/// The member of an object, or null when `value` is no object or has no such member, or a null one.
const nlohmann::json* findMember(const nlohmann::json& value, std::string_view key);

// The member as a type, or `missing` when there is none. Throw model::Error when it is of another type.
std::string textMember(const nlohmann::json& value, std::string_view key, std::string_view missing);
bool flagMember(const nlohmann::json& value, std::string_view key, bool missing);

/// A whole number from 0 to 2^31 - 1. Throws model::Error, calling it `what`, for anything else.
int idOf(const nlohmann::json& value, std::string_view what);

}  // namespace headroom::formats
