#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/model/config.h"
#include "core/model/decoder.h"
#include "core/model/model.h"
#include "core/model/sampler.h"

namespace headroom::session {

inline constexpr int kMaximumLanes = 3;

/// What the user asked to run in a lane.
struct LaneRequest {
  std::string source;  ///< name of a bundled model ("mha", "gqa", "mqa") or the path of a file
  int colorIndex = 0;  ///< which lane colour; stays with the lane when others come and go

  bool operator==(const LaneRequest&) const = default;
};

/// What the rest of the application knows of a running lane. Plain values.
struct LaneInfo {
  LaneRequest request;
  std::string title;  ///< "MHA" for a bundled model, else the file's name without its ending
  model::ModelConfig config;
  model::KvType kvType = model::KvType::F32;
  int contextLength = 0;
  std::uint64_t parameterCount = 0;
  std::uint64_t weightBytes = 0;
  std::string storageName;
  std::string deviceName;
  std::vector<std::string> pieces;  ///< bytes of every token id; empty when the file has no tokenizer
  std::vector<std::string> contradictions;
};

/// A loaded model and what decodes it. The decoder may point into the model.
struct LaneEngine {
  std::unique_ptr<model::Model> model;
  std::unique_ptr<model::Decoder> decoder;
  std::string title;
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

/// What the session is doing.
struct SessionState {
  bool playing = false;
  bool finished = false;  ///< no lane can take another token
  Pace pace;
  TokenFeed feed = TokenFeed::Lockstep;
};

enum class Severity { Note, Problem };

/// A sentence for the message area.
struct Message {
  Severity severity = Severity::Note;
  std::string sentence;
};

}  // namespace headroom::session
