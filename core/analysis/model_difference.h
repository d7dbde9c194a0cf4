#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace headroom::analysis {

/// What takes time in a model besides its heads.
struct ModelSize {
  std::string title;  ///< for people
  int ffnDim = 0;
  std::uint64_t parameterCount = 0;
};

/// In what two models that are compared differ besides their KV heads, with both numbers: models of equal
/// parameter counts have a wider FFN where they have fewer KV heads. Nothing where they do not differ.
std::optional<std::string> sizeDifference(const ModelSize& reference, const ModelSize& other);

}  // namespace headroom::analysis
