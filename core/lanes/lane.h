#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/analysis/truth_card.h"
#include "core/lanes/model_store.h"
#include "core/model/decoder.h"
#include "core/model/head_change.h"
#include "core/model/trace.h"

namespace headroom::lanes {

inline constexpr int kMostLanes = 4;

/// How a lane decodes.
struct LaneOptions {
  model::KvType kvType = model::KvType::F32;
  int batch = 1;          ///< sequences decoded at once; all are fed the same tokens
  int contextLength = 0;  ///< cache positions; 0: what the model was made for
  model::AttentionKernel attention = model::AttentionKernel::Shared;
  std::vector<model::HeadChange> changes = {};  ///< of heads, ascending, each once

  bool operator==(const LaneOptions&) const = default;
};

/// What is asked to run in a lane.
struct LaneRequest {
  std::string source;  ///< name of a bundled model ("mha", "gqa", "mqa") or the path of a file
  int colorIndex = 0;  ///< which lane colour; stays with the lane when others come and go
  LaneOptions options;

  bool operator==(const LaneRequest&) const = default;
};

/// A model and what decodes it. The decoder may point into the model.
struct LaneEngine {
  ModelUse model;  ///< empty for a trace, which has none
  std::unique_ptr<model::Decoder> decoder;
  std::string name;                               ///< as laneTitle() says of its source
  std::vector<model::HeadChange> changes = {};    ///< of heads that do not give what they compute
  int number = 1;                                 ///< among the lanes that would be called the same
  std::optional<analysis::MemoryOutlook> memory;  ///< of a device, as planned before it was opened
  /// Of a trace: its tokens, how many of them were the prompt, and their bytes.
  std::vector<int> script = {};
  int scriptPrompt = 1;
  std::map<int, std::string> pieces = {};
  model::RecordedPart recorded = {};

  /// The name, the options that are not the usual ones, and a number from the second of a kind on:
  /// "MHA \u00d78 f16 naive \u2212L4H2 L3H0=mean (2)".
  std::string title() const;
  const model::Tokenizer* tokenizer() const { return model ? model->tokenizer.get() : nullptr; }
};

/// A name among others: "MHA", and "MHA (2)" for the second that is called so.
std::string numberedName(const std::string& name, int number);

/// Positions that the decoder's cache holds.
int contextLimit(const model::Decoder& decoder);

}  // namespace headroom::lanes
