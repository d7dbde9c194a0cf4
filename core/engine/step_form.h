#pragma once

#include <compare>
#include <vector>

#include "core/model/step_record.h"

namespace headroom::engine {

/// Where the logits of a step go.
enum class LogitsTarget {
  Host,     ///< every value, for the host to read
  Summary,  ///< to a kernel that leaves a summary of each row
};

/// Where values inside a step are captured.
struct CapturedPlace {
  model::CapturePoint point = model::CapturePoint::Residual;
  int layer = 0;

  auto operator<=>(const CapturedPlace&) const = default;
};

/// What the commands of a step depend on besides the decoder's shape: steps of one form share a program.
struct StepForm {
  int rows = 1;
  int logitsRows = 1;  ///< rows whose logits are computed; 0: the stage is left out
  int texts = 0;       ///< StepShape::textsOf() the rows: attention by query tiles where there are any
  LogitsTarget logits = LogitsTarget::Host;
  bool timesStages = true;
  bool advances = false;  ///< ends with every row's next token: such steps follow each other without the host
  std::vector<int> changedLayers = {};       ///< whose heads are changed, ascending
  std::vector<CapturedPlace> captures = {};  ///< in the order asked for; none without captured rows

  auto operator<=>(const StepForm&) const = default;
};

}  // namespace headroom::engine
