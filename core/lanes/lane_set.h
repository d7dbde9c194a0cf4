#pragma once

#include <exception>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/analysis/lane_measurement.h"
#include "core/lanes/lane.h"
#include "core/model/sampler.h"
#include "core/model/token_order.h"

namespace headroom::lanes {

/// What lanes are fed.
enum class TokenFeed {
  Lockstep,  ///< lanes that read one text in one vocabulary are fed the choices of one of them
  FreeRun,   ///< every lane is fed its own choice
};

enum class StopReason {
  TokenLimit,   ///< as many tokens as were asked for
  EndToken,     ///< it chose the token that ends a text
  ContextFull,  ///< its cache holds no further position
  RecordEnd,    ///< a trace was played to its end
  Failed,       ///< its decoder threw
  DeviceLost,   ///< its device is gone
  Interrupted,  ///< by the user
};
/// "end_token": the name in JSON.
std::string_view shortName(StopReason reason);

/// What the others do in lockstep when one lane stops.
enum class WhenOneStops {
  OthersGoOn,  ///< those that can
  AllStop,     ///< so that all texts are of one length
};

/// What happens where a lane chooses the token that ends a text.
enum class WhenTextEnds {
  Stop,  ///< it stops, and the token is not fed
  GoOn,  ///< the token is fed like any other, and the next text begins behind it
};

/// What one lane did in one step.
struct LaneStep {
  int lane = 0;
  model::StepRecord record;
  int choice = -1;            ///< the token that this lane's own sampler would feed next; -1 within a filling
  model::RankedToken chosen;  ///< that token among this lane's logits behind the step
  model::RankedToken fed;     ///< of a decode step: the token it was fed among this lane's logits before it
  bool isFilling = false;     ///< one of a text's blocks, not a decode step
  bool isCatchingUp = false;  ///< a decode step that no other lane took by turns with it: others had read it
  int promptLength = 0;       ///< positions of the lane's text that came from the prompt
};

/// Why a lane cannot follow the others in lockstep.
enum class Apart {
  No,          ///< it follows, or others follow it
  Vocabulary,  ///< no other lane has its vocabulary
  Text,        ///< it has read another text than the lanes of its vocabulary
};

/// How far texts are fed.
struct Filling {
  int done = 0;  ///< positions of all lanes together
  int total = 0;
  int reached = 0;  ///< positions that every lane has been fed that is still filled
  int length = 0;   ///< of the longest text

  bool underWay() const { return done < total; }
  bool operator==(const Filling&) const = default;
};

/// What a lane has read.
struct LaneText {
  std::vector<int> tokens;  ///< the prompt, then what followed it
  int promptLength = 0;     ///< of them
};

/// One to four decoders side by side, fed together or each by itself. Synchronous; no threads of its own.
class LaneSet {
 public:
  struct Lane {
    LaneEngine engine;
    model::Sampler sampler;
    std::vector<int> text = {};      ///< the prompt, then what followed it; what is not fed yet too
    int promptLength = 0;            ///< of it
    int steppedFrom = 0;             ///< from there on the text is fed token by token, as decode steps
    int choice = -1;                 ///< what it would feed itself next; -1 before it was fed anything
    model::RankedToken chosen = {};  ///< that choice among the logits it was made from
    int leader = 0;                  ///< the lane whose choices it is fed, itself in free run
    std::optional<StopReason> stopReason = {};
    std::exception_ptr error = {};  ///< of a lane that failed

    int fed() const { return engine.decoder->position(); }
    bool filling() const { return !stopReason && fed() < static_cast<int>(text.size()); }
    /// Tokens behind the prompt.
    std::span<const int> continuation() const {
      return std::span(text).subspan(static_cast<std::size_t>(promptLength));
    }
    /// Forgets what of its text, or prompt, lies behind the first `positions`.
    void cutText(int positions);
    /// As if it had never stopped.
    void takeUp();
    /// The same, with what it would feed itself next open again.
    void takeUpAnew();
  };

  /// What is told of what happens, as it happens. Each may be empty.
  struct Events {
    std::function<void(LaneStep step)> stepDone;
    /// The lane has its reason and, if it failed, its error.
    std::function<void(int lane)> laneStopped;
  };

  struct Options {
    TokenFeed feed = TokenFeed::Lockstep;
    WhenOneStops whenOneStops = WhenOneStops::OthersGoOn;
    WhenTextEnds whenTextEnds = WhenTextEnds::Stop;
    int maxTokens = std::numeric_limits<int>::max();  ///< behind the prompt
    model::SamplingOptions sampling;
  };

  /// What of a text's block is run at once and captured.
  struct Block {
    int tokens = 0;
    model::StepRequest request = {};
  };
  /// Of a text that a lane catches up with so many last tokens are decode steps: their times and bytes are
  /// those of the position where the others are.
  static constexpr int kSteppedTokens = analysis::kRecentSteps;
  /// For the next `count` tokens of a lane, at most its decoder's blockTokens(), from `position` on; a block
  /// takes at least one of them and at most all.
  using BlockChoice = std::function<Block(int lane, int position, int count)>;
  /// The prompt of a lane; may throw.
  using PromptOf = std::function<std::vector<int>(int lane)>;

  LaneSet(Options options, BlockChoice block, Events events);

  int laneCount() const { return static_cast<int>(m_lanes.size()); }
  const Lane& lane(int index) const { return m_lanes[static_cast<std::size_t>(index)]; }
  model::Decoder& decoder(int index) { return *m_lanes[static_cast<std::size_t>(index)].engine.decoder; }

  /// A lane of an arrangement: an old one as it is, an old one with another engine, or a new one.
  struct Place {
    int from = -1;                     ///< the old lane; -1 for a new one
    std::optional<LaneEngine> engine;  ///< of a new lane, or in place of the old one's
    LaneText text = {};                ///< of a new lane: what it has read elsewhere
  };
  /// Other lanes from now on; old ones that have no place are gone. Old lanes keep their text, cache and next
  /// choice. Lanes with a new engine are fed the text that they, or the lanes that they run in lockstep with,
  /// have read so far, its end in decode steps, and sample on as if they had been there from the start; where
  /// there is no text, `promptOf` tells what they begin with.
  void arrange(std::vector<Place> places, const PromptOf& promptOf);
  /// Leaves no lanes: their decoders are gone, what they have read comes back.
  std::vector<LaneText> release();
  /// Lanes that failed are fed on from where they did, as far as the others are by now; without a text, they
  /// begin with their prompt.
  void tryAgain(const PromptOf& promptOf);
  /// What would stop every lane at once after start(); null where one at least would begin. Nothing changes.
  std::vector<std::exception_ptr> whyNoneWouldStart(const PromptOf& promptOf) const;
  /// Every lane begins anew with its prompt, in lockstep with that of its leader.
  void start(const PromptOf& promptOf);

  void setSampling(const model::SamplingOptions& sampling);
  /// Takes effect at once: lanes that stopped because their text had ended can go on with the next.
  void setWhenTextEnds(WhenTextEnds when);
  /// Takes effect with the next start() or arrange().
  void setFeed(TokenFeed feed) { m_options.feed = feed; }
  /// As asked for; Lockstep also where no lane can follow another.
  TokenFeed feed() const { return m_options.feed; }
  /// Whether and why a lane goes its own way although lockstep is asked for.
  Apart apart(int lane) const;

  /// Whether a text is still being fed.
  bool filling() const;
  Filling fillingState() const;
  /// The next block of a text, in the lane that is furthest behind.
  void fillBlock();
  /// Ends filling where the lane that has read most stands after one more token, which tells what comes next;
  /// the others are fed up to there.
  void cutFilling();

  /// One token for every lane that can take one; nothing while filling.
  void step();
  /// Stops the lanes that cannot take their next token.
  void settle();
  /// Whether every lane has stopped, or has nobody to follow.
  bool finished() const;
  /// Runs the next tokens of a given text, whatever the lane itself would choose.
  void feed(int lane, std::span<const int> tokens);
  /// Forgets what follows the first `positions`; what the cache holds beyond the text counts as token 0.
  void rewind(int lane, int positions);
  /// Stops the lanes that still run.
  void stopAll(StopReason reason);

 private:
  enum class StepKind { Filling, CatchingUp, InTurn };

  void numberAlike();
  void group();
  void chooseLeader(int leader);
  void handOverLead();
  void catchUp(int laneIndex);
  void beginFresh(const PromptOf& promptOf);
  std::optional<StopReason> reasonToStop(const Lane& lane, int token) const;
  void runBlock(int laneIndex);
  void choose(Lane& lane);
  void run(int laneIndex, std::span<const int> tokens, const model::StepRequest& request, StepKind kind);
  void stop(int laneIndex, StopReason reason);
  /// Calls `act`; what it throws stops the lane, or all lanes when the device is gone.
  template <typename Act>
  void guarded(int laneIndex, const Act& act);

  Options m_options;
  BlockChoice m_block;
  Events m_events;
  std::vector<Lane> m_lanes;
  int m_stepCount = 0;
};

}  // namespace headroom::lanes
