#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/analysis/speed_map.h"
#include "core/analysis/truth_card.h"
#include "core/analysis/weight_geometry.h"
#include "core/lanes/choice_names.h"
#include "core/lanes/device_lanes.h"
#include "core/lanes/lane_set.h"
#include "core/lanes/prompt.h"

namespace headroom::session {

// What lanes are is core/lanes' business; views know it by these names.
using lanes::bundledModels;
using lanes::choiceNamed;
using lanes::choiceNames;
using lanes::Filling;
using lanes::kMostPromptBytes;
using lanes::LaneOptions;
using lanes::LaneRequest;
using lanes::LaneStep;
using lanes::laneTitle;
using lanes::PromptForm;
using lanes::TokenFeed;
using lanes::WhenTextEnds;
/// Attention rows of more positions are kept pooled.
inline constexpr int kWholeRows = 1024;
inline constexpr int kMaximumLanes = lanes::kMostLanes;

/// What the rest of the application knows of a running lane. Plain values.
struct LaneInfo {
  LaneRequest request;
  /// "MHA" for a bundled model, else the file's name without its ending; then the options that are not the
  /// usual ones: "MHA \u00d78 f16 naive"; then a number where another lane has the same.
  std::string title;
  model::ModelConfig config;
  model::KvType kvType = model::KvType::F32;
  int contextLength = 0;  ///< cache positions
  int batch = 1;
  std::vector<model::HeadChange> changes = {};  ///< of heads that do not give what they compute
  model::AttentionKernel attention = model::AttentionKernel::Shared;
  analysis::OutputProjection output = analysis::OutputProjection::Tied;
  std::uint64_t parameterCount = 0;
  std::uint64_t weightBytes = 0;
  std::string storageName;
  std::string deviceName;
  bool isOnDevice = false;          ///< not the reference, nor a trace
  std::string note;                 ///< of the decoder: what belongs beside its numbers
  std::vector<std::string> pieces;  ///< bytes of every token id; empty when the file has no tokenizer
  std::vector<int> endTokens;       ///< those that end a text or a turn of a chat
  std::vector<std::string> contradictions;
  analysis::TruthCard card;

  /// What is done to a head, if anything.
  const model::HeadChange* changeOf(const model::HeadPlace& head) const {
    const auto found = std::ranges::find(changes, head, &model::HeadChange::head);
    return found == changes.end() ? nullptr : &*found;
  }
};

/// Where a lane comes from when lanes change.
struct LaneOrigin {
  int lane = -1;        ///< the old lane whose text it goes on with; -1: a new one
  bool asItIs = false;  ///< with that lane's own decoder, text and maps; else it reads its text anew

  bool operator==(const LaneOrigin&) const = default;
};

/// Steps of one run, in order. `run` grows with every restart and change of lanes, so that late steps of an
/// older run are dropped.
struct StepBatch {
  std::uint64_t run = 0;
  std::vector<LaneStep> steps;
};

/// Speed of decoding; zero or less is as fast as the device can.
struct Pace {
  double tokensPerSecond = 20.0;

  bool unlimited() const { return tokensPerSecond <= 0.0; }
  bool operator==(const Pace&) const = default;
};

/// A model on its way to the device.
struct Opening {
  std::string title;   ///< empty when none is
  double share = 0.0;  ///< of its weights that are there, 0 to 1

  bool underWay() const { return !title.empty(); }
  bool operator==(const Opening&) const = default;
};

/// Asks for full attention rows of one head, to be recomputed from the cache.
struct RowRequest {
  std::uint64_t run = 0;
  int slot = 0;  ///< a later request of the same slot replaces this one while it waits
  int lane = 0;
  int layer = 0;
  int queryHead = 0;
  int firstPosition = 0;
  std::vector<int> tokens;  ///< that were fed from firstPosition on; as many rows are recomputed

  bool operator==(const RowRequest&) const = default;
};

/// The answer to a RowRequest.
struct ReplayedRows {
  std::uint64_t run = 0;
  int lane = 0;
  std::vector<model::AttentionRows> blocks;
};

/// A sweep over contexts and batches under way.
struct Measuring {
  bool underWay = false;
  double share = 0.0;  ///< of it, 0 to 1
  analysis::OperatingPoint at;

  bool operator==(const Measuring&) const = default;
};

/// How far a study of heads is.
struct Studying {
  bool underWay = false;
  std::string title;   ///< of the lane
  std::string text;    ///< what is read, for people
  double share = 0.0;  ///< of all of it, 0 to 1

  bool operator==(const Studying&) const = default;
};

/// What the session is doing.
struct SessionState {
  bool playing = false;
  bool finished = false;  ///< no lane can take another token
  Pace pace;
  TokenFeed feed = TokenFeed::Lockstep;  ///< as it is: free run where no lane can follow another
  int fill = 0;  ///< positions that a start fills with the prompt's text again and again; 0: the prompt once
  Filling filling;
  Opening opening;
  Measuring measuring;
  Studying studying;
  PromptForm promptForm = PromptForm::Text;
};

enum class Severity {
  Passing,  ///< goes away by itself
  Note,
  Problem,
};

/// A sentence for the message area.
struct Message {
  Severity severity = Severity::Note;
  std::string sentence;
};

}  // namespace headroom::session
