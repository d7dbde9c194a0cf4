#pragma once

#include <compare>

namespace headroom::engine {

/// Where the logits of a step go.
enum class LogitsTarget {
  Host,     ///< every value, for the host to read
  Summary,  ///< to a kernel that leaves a summary of each row
};

/// What the commands of a step depend on besides the decoder's shape: steps of one form share a program.
struct StepForm {
  int rows = 1;
  int logitsRows = 1;  ///< rows whose logits are computed; 0: the stage is left out
  LogitsTarget logits = LogitsTarget::Host;

  auto operator<=>(const StepForm&) const = default;
};

}  // namespace headroom::engine
