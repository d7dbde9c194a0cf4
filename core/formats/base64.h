#pragma once

#include <string>
#include <string_view>

namespace headroom::formats {

/// The bytes that base64 text stands for (RFC 4648). Throws model::Error for characters outside its alphabet.
std::string decodeBase64(std::string_view text);

}  // namespace headroom::formats
