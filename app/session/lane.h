#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/analysis/truth_card.h"
#include "core/analysis/weight_geometry.h"
#include "core/model/config.h"
#include "core/model/decoder.h"
#include "core/model/model.h"
#include "core/model/sampler.h"

namespace headroom::session {

inline constexpr int kMaximumLanes = 4;

/// How far the controls go.
inline constexpr int kMaximumBatch = 64;
inline constexpr int kMaximumContext = 65536;

/// How a lane decodes.
struct LaneOptions {
  model::KvType kvType = model::KvType::F32;
  int batch = 1;          ///< sequences decoded at once; all are fed the same tokens
  int contextLength = 0;  ///< cache positions; 0: what the model was made for
  model::AttentionKernel attention = model::AttentionKernel::Shared;

  bool operator==(const LaneOptions&) const = default;
};

/// What the user asked to run in a lane.
struct LaneRequest {
  std::string source;  ///< name of a bundled model ("mha", "gqa", "mqa") or the path of a file
  int colorIndex = 0;  ///< which lane colour; stays with the lane when others come and go
  LaneOptions options;

  bool operator==(const LaneRequest&) const = default;
};

/// What the rest of the application knows of a running lane. Plain values.
struct LaneInfo {
  LaneRequest request;
  /// "MHA" for a bundled model, else the file's name without its ending; then the options that are not the
  /// usual ones: "MHA \u00d78 f16 naive".
  std::string title;
  model::ModelConfig config;
  model::KvType kvType = model::KvType::F32;
  int contextLength = 0;  ///< cache positions
  int batch = 1;
  model::AttentionKernel attention = model::AttentionKernel::Shared;
  analysis::OutputProjection output = analysis::OutputProjection::Tied;
  std::uint64_t parameterCount = 0;
  std::uint64_t weightBytes = 0;
  std::string storageName;
  std::string deviceName;
  std::string note;                 ///< of the decoder: what belongs beside its numbers
  std::vector<std::string> pieces;  ///< bytes of every token id; empty when the file has no tokenizer
  std::vector<std::string> contradictions;
  analysis::TruthCard card;
};

/// A loaded model and what decodes it. The decoder may point into the model.
struct LaneEngine {
  std::unique_ptr<model::Model> model;
  std::unique_ptr<model::Decoder> decoder;
  std::string title;
  std::optional<analysis::MemoryOutlook> memory;  ///< of a device, as planned before it was opened
  /// Of a trace, which has no model: its tokens, how many of them were the prompt, and their bytes.
  std::vector<int> script = {};
  int scriptPrompt = 1;
  std::map<int, std::string> pieces = {};
  model::RecordedPart recorded = {};
};

/// What one lane did in one step.
struct LaneStep {
  int lane = 0;
  model::StepRecord record;
  int choice = -1;  ///< the token that this lane's own sampler would feed next
};

/// Steps of one run, in order. `run` grows with every restart, so that late steps of an older run are
/// dropped.
struct StepBatch {
  std::uint64_t run = 0;
  std::vector<LaneStep> steps;
};

enum class TokenFeed {
  Lockstep,  ///< every lane is fed the choice of lane 1
  FreeRun,   ///< every lane is fed its own choice
};

/// Speed of decoding; zero or less is as fast as the device can.
struct Pace {
  double tokensPerSecond = 20.0;

  bool unlimited() const { return tokensPerSecond <= 0.0; }
  bool operator==(const Pace&) const = default;
};

/// How far a context is filled, in positions of all lanes together.
struct Filling {
  int done = 0;
  int total = 0;

  bool underWay() const { return done < total; }
  bool operator==(const Filling&) const = default;
};

/// A model on its way to the device.
struct Opening {
  std::string title;   ///< empty when none is
  double share = 0.0;  ///< of its weights that are there, 0 to 1

  bool underWay() const { return !title.empty(); }
  bool operator==(const Opening&) const = default;
};

/// What the prompt is.
enum class PromptForm {
  Text,  ///< a text to go on from
  Chat,  ///< a user's message, put into the model's own chat template
  Ids,   ///< token ids, "1, 2, 3", fed as they are
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

/// What the session is doing.
struct SessionState {
  bool playing = false;
  bool finished = false;  ///< no lane can take another token
  Pace pace;
  TokenFeed feed = TokenFeed::Lockstep;
  int fill = 0;  ///< positions that a start fills with the prompt's text again and again; 0: the prompt once
  Filling filling;
  Opening opening;
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
