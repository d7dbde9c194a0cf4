#pragma once

#include <string>

namespace headroom::formats {

/// Where what can be made again is kept: $XDG_CACHE_HOME/headroom, else ~/.cache/headroom. It need not exist.
/// Empty when neither is known: then nothing is kept.
std::string cacheFolder();

/// A file name for what belongs to `key`, unique to it and readable: "ceilings", "llvmpipe (LLVM 15)" is
/// "ceilings-llvmpipe-llvm-15-<16 hex digits>".
std::string cacheFileName(const std::string& kind, const std::string& name, const std::string& key);

}  // namespace headroom::formats
